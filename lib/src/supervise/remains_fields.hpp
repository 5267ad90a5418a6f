// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What travels of SupervisorRemains, and of all that is in it, to the next program: its members by
/// their names, for an archive. State that is added to the supervisor has to be named here.
/// \see archived_types.hpp

#include "control/message.hpp"
#include "spawning/control_channel.hpp"
#include "spawning/file_watcher.hpp"
#include "spawning/listening_socket.hpp"
#include "spawning/reload_history.hpp"
#include "spawning/restarts.hpp"
#include "supervise/archived_types.hpp"
#include "supervise/supervisor_remains.hpp"
#include "supervise/trouble_report.hpp"
#include "supervise/worker_handle.hpp"

namespace spawning {

namespace control {

template <typename Archive, archived::Is<Failed> T>
void describe(Archive& archive, T& failure) {
  archive("summary", failure.summary)("traceback", failure.traceback)("files", failure.files);
}

template <typename Archive, archived::Is<Overdue> T>
void describe(Archive& archive, T& overdue) {
  archive("limit_ms", overdue.limit);
}

}  // namespace control

template <typename Archive, archived::Is<ControlChannel::Remains::Message> T>
void describe(Archive& archive, T& message) {
  archive("wire", message.wire)("sent", message.sent);
  archive.descriptors("descriptors", message.descriptors);
}

template <typename Archive, archived::Is<ControlChannel::Remains> T>
void describe(Archive& archive, T& channel) {
  archive.descriptor("socket", channel.socket)("input", channel.input);
  archive.descriptors("descriptors", channel.descriptors)("unsent", channel.unsent);
}

template <typename Archive, archived::Is<WorkerHandle::Remains> T>
void describe(Archive& archive, T& handle) {
  archive("pid", handle.pid)("channel", handle.channel)("explaining", handle.explaining);
}

template <typename Archive, archived::Is<WorkerUsage> T>
void describe(Archive& archive, T& usage) {
  archive("served_ms", usage.served)("requests", usage.requests);
  archive("memory", usage.memory.count)("total", usage.total.count);
}

template <typename Archive, archived::Is<WorkerDescription> T>
void describe(Archive& archive, T& worker) {
  archive("slot", worker.slot)("generation", worker.generation)("pid", worker.pid);
  archive("failure", worker.failure)("overdue", worker.overdue)("usage", worker.usage);
}

template <typename Archive, archived::Is<WorkerRecord> T>
void describe(Archive& archive, T& record) {
  archive("description", record.description)("serves_since", record.serves_since);
  archive("started", record.started)("dealt", record.dealt);
  archive("served", record.served)("draining", record.draining);
  archive.newer("leaving", record.leaving);
  archive("handing_over", record.handing_over)("killed", record.killed);
  archive.newer("finished", record.finished);
}

template <typename Archive, archived::Is<SupervisorRemains::Worker> T>
void describe(Archive& archive, T& worker) {
  archive("record", worker.record)("handle", worker.handle);
}

template <typename Archive, archived::Is<SocketFile::Identity> T>
void describe(Archive& archive, T& file) {
  archive("path", file.path)("device", file.device)("inode", file.inode);
}

template <typename Archive, archived::Is<SupervisorRemains::Listener> T>
void describe(Archive& archive, T& listener) {
  archive.descriptor("fd", listener.fd);
  archive("inherited", listener.inherited)("file", listener.file);
}

template <typename Archive, archived::Is<HeldPidfile> T>
void describe(Archive& archive, T& pidfile) {
  archive.descriptor("lock", pidfile.lock)("path", pidfile.path);
}

template <typename Archive, archived::Is<Reload> T>
void describe(Archive& archive, T& reload) {
  archive("generation", reload.generation)("cause", reload.cause);
  archive("began", reload.began)("ended", reload.ended)("verdict", reload.verdict);
  archive("summary", reload.summary)("traceback", reload.traceback);
}

template <typename Archive, archived::Is<Restart> T>
void describe(Archive& archive, T& restart) {
  archive("time", restart.time)("slot", restart.slot)("generation", restart.generation);
  archive("pid", restart.pid)("reason", restart.reason)("summary", restart.summary);
}

template <typename Archive, archived::Is<FileWatcher::Remains::File> T>
void describe(Archive& archive, T& file) {
  archive("device", file.device)("inode", file.inode);
  archive("size", file.size)("modified_ns", file.modified_ns);
}

template <typename Archive, archived::Is<FileWatcher::Remains> T>
void describe(Archive& archive, T& watched) {
  archive("paths", watched.paths)("files", watched.files)("changed", watched.changed);
}

template <typename Archive, archived::Is<SupervisorRemains> T>
void describe(Archive& archive, T& remains) {
  archive("pid", remains.pid)("serves", remains.serves);
  archive.descriptor("scoreboard", remains.scoreboard);
  archive("listeners", remains.listeners)("fleet", remains.fleet)("workers", remains.workers);
  archive("recycling", remains.recycling)("watched", remains.watched);
  archive("reloads", remains.reloads)("reload_cause", remains.reload_cause);
  archive("newest_generation", remains.newest_generation);
  archive("started", remains.started)("restarts", remains.restarts.counts);
  archive.newer("recent_restarts", remains.restarts.latest);
  archive.descriptor("status_socket", remains.status_socket);
  archive("console", remains.console);
  archive("pidfile", remains.pidfile);
  archive.newer("plans", remains.plans).newer("reload_asked", remains.reload_asked);
}

}  // namespace spawning
