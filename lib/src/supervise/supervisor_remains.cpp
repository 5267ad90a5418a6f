// SPDX-License-Identifier: MIT
// Values become JSON, and JSON values, by one description of their members each.
#include "supervise/supervisor_remains.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <concepts>
#include <type_traits>
#include <utility>

#include "control/message.hpp"
#include "spawning/error.hpp"
#include "supervise/archived_types.hpp"

namespace spawning {
namespace {

namespace json = boost::json;
using archived::Is;

// Counts changes of what is written. Who changes it in a way that the reader below would not
// understand goes on reading what older programs write: they are the ones that are replaced.
constexpr int kVersion = 1;

// What an ArchiveReader reads is not what an ArchiveWriter of the same description wrote.
class ArchiveError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Writes the members of one value.
class ArchiveWriter {
 public:
  // \param descriptors  gets those that the value owns.
  explicit ArchiveWriter(std::vector<int>& descriptors) : descriptors_{descriptors} {}

  template <typename T>
  ArchiveWriter& operator()(std::string_view name, const T& value) {
    object_[json::string_view{name.data(), name.size()}] = write(value);
    return *this;
  }

  // A member that older programs do not know.
  template <typename T>
  ArchiveWriter& newer(std::string_view name, const T& value) {
    return (*this)(name, value);
  }

  // An open descriptor, or -1.
  ArchiveWriter& descriptor(std::string_view name, int fd) {
    if (fd >= 0) descriptors_.push_back(fd);
    return (*this)(name, fd);
  }
  ArchiveWriter& descriptors(std::string_view name, const std::vector<int>& all) {
    for (int fd : all) {
      if (fd >= 0) descriptors_.push_back(fd);
    }
    return (*this)(name, all);
  }

  [[nodiscard]] json::object take() { return std::move(object_); }

 private:
  template <typename T>
  json::value write(const T& value) {
    if constexpr (std::is_enum_v<T>) {
      return write(static_cast<std::underlying_type_t<T>>(value));
    } else if constexpr (std::is_integral_v<T>) {
      return value;
    } else if constexpr (std::same_as<T, std::string>) {
      return json::string(value.data(), value.size());
    } else if constexpr (archived::Duration<T>) {
      return value.count();
    } else if constexpr (archived::TimePoint<T>) {
      return write(value.time_since_epoch());
    } else if constexpr (archived::Optional<T>) {
      return value ? write(*value) : json::value{};
    } else if constexpr (archived::Map<T>) {
      json::array array;
      for (const auto& [key, each] : value) array.push_back(json::array{write(key), write(each)});
      return array;
    } else if constexpr (archived::Sequence<T> || archived::Set<T> || archived::Array<T>) {
      json::array array;
      for (const auto& each : value) array.push_back(write(each));
      return array;
    } else {
      ArchiveWriter members{descriptors_};
      archived::visit(members, value);
      return members.take();
    }
  }

  json::object object_;
  std::vector<int>& descriptors_;
};

// Reads the members of one value. Members that it is not asked for are ignored; an optional one may
// be missing, as it is where an older program has written.
class ArchiveReader {
 public:
  // \param descriptors  gets those that the value owns. \throws ArchiveError
  ArchiveReader(const json::value& value, std::vector<int>& descriptors)
      : object_{value.if_object()}, descriptors_{descriptors} {
    if (object_ == nullptr) throw ArchiveError{"an object is missing"};
  }

  // \throws ArchiveError
  template <typename T>
  ArchiveReader& operator()(std::string_view name, T& value) {
    const auto* found = object_->if_contains({name.data(), name.size()});
    if constexpr (archived::Optional<T>) {
      value.reset();
      if (found == nullptr) return *this;
    }
    if (found == nullptr) throw ArchiveError{"\"" + std::string{name} + "\" is missing"};
    name_ = name;
    read(*found, value);
    return *this;
  }
  // Stays as it is if an older program has not written it. \throws ArchiveError
  template <typename T>
  ArchiveReader& newer(std::string_view name, T& value) {
    return object_->contains({name.data(), name.size()}) ? (*this)(name, value) : *this;
  }

  ArchiveReader& descriptor(std::string_view name, int& fd) {
    (*this)(name, fd);
    if (fd >= 0) descriptors_.push_back(fd);
    return *this;
  }
  ArchiveReader& descriptors(std::string_view name, std::vector<int>& all) {
    (*this)(name, all);
    for (int fd : all) {
      if (fd >= 0) descriptors_.push_back(fd);
    }
    return *this;
  }

 private:
  template <typename T>
  void read(const json::value& from, T& value) {
    if constexpr (std::is_enum_v<T>) {
      std::underlying_type_t<T> number{};
      read(from, number);
      value = static_cast<T>(number);
    } else if constexpr (std::same_as<T, bool>) {
      if (!from.is_bool()) fail();
      value = from.get_bool();
    } else if constexpr (std::is_integral_v<T>) {
      boost::system::error_code error;
      value = from.to_number<T>(error);
      if (error) fail();
    } else if constexpr (std::same_as<T, std::string>) {
      if (!from.is_string()) fail();
      value = std::string{from.get_string()};
    } else if constexpr (archived::Duration<T>) {
      typename T::rep count{};
      read(from, count);
      value = T{count};
    } else if constexpr (archived::TimePoint<T>) {
      typename T::duration since{};
      read(from, since);
      value = T{since};
    } else if constexpr (archived::Optional<T>) {
      value.reset();
      if (!from.is_null()) read(from, value.emplace());
    } else if constexpr (archived::Map<T>) {
      read_map(from, value);
    } else if constexpr (archived::Set<T>) {
      value.clear();
      for (const auto& each : elements(from)) {
        typename T::key_type key{};
        read(each, key);
        value.insert(std::move(key));
      }
    } else if constexpr (archived::Array<T>) {
      if (elements(from).size() != value.size()) fail();
      for (std::size_t i = 0; i < value.size(); ++i) read(elements(from)[i], value[i]);
    } else if constexpr (archived::Sequence<T>) {
      value.clear();
      for (const auto& each : elements(from)) read(each, value.emplace_back());
    } else {
      ArchiveReader members{from, descriptors_};
      archived::visit(members, value);
    }
  }

  template <typename T>
  void read_map(const json::value& from, T& value) {
    value.clear();
    for (const auto& each : elements(from)) {
      if (elements(each).size() != 2) fail();
      typename T::key_type key{};
      read(elements(each)[0], key);
      read(elements(each)[1], value[std::move(key)]);
    }
  }

  [[nodiscard]] const json::array& elements(const json::value& from) const {
    if (!from.is_array()) fail();
    return from.get_array();
  }

  [[noreturn]] void fail() const {
    throw ArchiveError{"\"" + std::string{name_} + "\" is not what was expected"};
  }

  const json::object* object_;
  std::vector<int>& descriptors_;
  std::string_view name_;
};

template <typename Archive, Is<ControlChannel::Remains::Message> T>
void describe(Archive& archive, T& message) {
  archive("wire", message.wire)("sent", message.sent);
  archive.descriptors("descriptors", message.descriptors);
}

template <typename Archive, Is<ControlChannel::Remains> T>
void describe(Archive& archive, T& channel) {
  archive.descriptor("socket", channel.socket)("input", channel.input);
  archive.descriptors("descriptors", channel.descriptors)("unsent", channel.unsent);
}

template <typename Archive, Is<WorkerHandle::Remains> T>
void describe(Archive& archive, T& handle) {
  archive("pid", handle.pid)("channel", handle.channel)("explaining", handle.explaining);
}

template <typename Archive, Is<control::Failed> T>
void describe(Archive& archive, T& failure) {
  archive("summary", failure.summary)("traceback", failure.traceback)("files", failure.files);
}

template <typename Archive, Is<control::Overdue> T>
void describe(Archive& archive, T& overdue) {
  archive("limit_ms", overdue.limit);
}

template <typename Archive, Is<WorkerUsage> T>
void describe(Archive& archive, T& usage) {
  archive("served_ms", usage.served)("requests", usage.requests);
  archive("memory", usage.memory.count)("total", usage.total.count);
}

template <typename Archive, Is<WorkerDescription> T>
void describe(Archive& archive, T& worker) {
  archive("slot", worker.slot)("generation", worker.generation)("pid", worker.pid);
  archive("failure", worker.failure)("overdue", worker.overdue)("usage", worker.usage);
}

template <typename Archive, Is<WorkerRecord> T>
void describe(Archive& archive, T& record) {
  archive("description", record.description)("serves_since", record.serves_since);
  archive("started", record.started)("dealt", record.dealt);
  archive("served", record.served)("draining", record.draining);
  archive("handing_over", record.handing_over)("killed", record.killed);
}

template <typename Archive, Is<SupervisorRemains::Worker> T>
void describe(Archive& archive, T& worker) {
  archive("record", worker.record)("handle", worker.handle);
}

template <typename Archive, Is<SocketFile::Identity> T>
void describe(Archive& archive, T& file) {
  archive("path", file.path)("device", file.device)("inode", file.inode);
}

template <typename Archive, Is<SupervisorRemains::Listener> T>
void describe(Archive& archive, T& listener) {
  archive.descriptor("fd", listener.fd);
  archive("inherited", listener.inherited)("file", listener.file);
}

template <typename Archive, Is<HeldPidfile> T>
void describe(Archive& archive, T& pidfile) {
  archive.descriptor("lock", pidfile.lock)("path", pidfile.path);
}

template <typename Archive, Is<Reload> T>
void describe(Archive& archive, T& reload) {
  archive("generation", reload.generation)("cause", reload.cause);
  archive("began", reload.began)("ended", reload.ended)("verdict", reload.verdict);
  archive("summary", reload.summary)("traceback", reload.traceback);
}

template <typename Archive, Is<Restart> T>
void describe(Archive& archive, T& restart) {
  archive("time", restart.time)("slot", restart.slot)("generation", restart.generation);
  archive("pid", restart.pid)("reason", restart.reason)("summary", restart.summary);
}

template <typename Archive, Is<FileWatcher::Remains::File> T>
void describe(Archive& archive, T& file) {
  archive("device", file.device)("inode", file.inode);
  archive("size", file.size)("modified_ns", file.modified_ns);
}

template <typename Archive, Is<FileWatcher::Remains> T>
void describe(Archive& archive, T& watched) {
  archive("paths", watched.paths)("files", watched.files)("changed", watched.changed);
}

template <typename Archive, Is<SupervisorRemains> T>
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

}  // namespace

WrittenRemains write_remains(const SupervisorRemains& remains) {
  WrittenRemains written;
  ArchiveWriter archive{written.descriptors};
  archive("version", kVersion);
  describe(archive, remains);
  written.scoreboard = remains.scoreboard;
  written.text = json::serialize(archive.take());
  return written;
}

SupervisorRemains read_remains(std::string_view text, std::vector<int>* descriptors) {
  json::parse_options options;
  options.allow_invalid_utf8 = true;
  boost::system::error_code error;
  const json::value value = json::parse({text.data(), text.size()}, error, {}, options);
  if (error) throw StartupError{"what the supervisor left is not JSON"};
  std::vector<int> unused;
  SupervisorRemains remains;
  try {
    ArchiveReader archive{value, descriptors == nullptr ? unused : *descriptors};
    int version = 0;
    archive("version", version);
    if (version < 1 || version > kVersion) {
      throw StartupError{"the supervisor writes version " + std::to_string(version) +
                         " of what it leaves; expected at most " + std::to_string(kVersion)};
    }
    describe(archive, remains);
  } catch (const ArchiveError& wrong) {
    throw StartupError{"in what the supervisor left, " + std::string{wrong.what()}};
  }
  return remains;
}

}  // namespace spawning
