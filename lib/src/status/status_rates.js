
// ---- what follows from two answers of the server ----

const kWindow = 3;  // seconds that rates are about
let samples = [];   // status.json of the last seconds, oldest first

function remember(status) {
  const same = samples.length > 0 && samples[0].started_at === status.started_at && samples[0].pid === status.pid;
  if (!same) samples = [];
  samples.push(status);
  while (samples.length > 2 && status.uptime - samples[1].uptime >= kWindow) samples.shift();
  if (status.uptime - samples[0].uptime > 5 * kWindow) samples = [status];
}

// The share that stayed within this time, as if those of a bucket were spread evenly over it.
function quantile(share, bounds, counts) {
  const total = counts.reduce((sum, each) => sum + each, 0);
  if (total === 0) return null;
  let below = 0;
  for (let i = 0; i < bounds.length; ++i) {
    const from = i === 0 ? 0 : bounds[i - 1];
    if (counts[i] > 0 && below + counts[i] >= share * total)
      return from + (bounds[i] - from) * Math.max(0, share * total - below) / counts[i];
    below += counts[i];
  }
  return bounds[bounds.length - 1];
}

function byClass(requests, name) {
  return Object.values(requests).reduce((sum, classes) => sum + (classes[name] ?? 0), 0);
}

// Everything a second, and latencies, of the last seconds; empty if there was one answer only.
function present() {
  const [before, now] = [samples[0], samples[samples.length - 1]];
  const elapsed = now.uptime - before.uptime;
  const gauges = {
    concurrent_requests: now.concurrent_requests, queued_requests: now.queued_requests, connections: now.connections,
    memory: now.children.reduce((sum, each) => sum + (each.memory ?? 0), 0),
  };
  if (elapsed <= 0) return { ...gauges, workers: new Map() };
  const counts = now.totals.duration.counts.map((each, index) => each - before.totals.duration.counts[index]);
  const earlier = new Map(before.children.map((each) => [each.pid, each]));
  return {
    ...gauges,
    requests_per_second: (now.totals.answers - before.totals.answers) / elapsed,
    errors_per_second: (byClass(now.totals.requests, "5xx") - byClass(before.totals.requests, "5xx")) / elapsed,
    latency_p50: quantile(0.5, now.totals.duration.bounds, counts),
    latency_p99: quantile(0.99, now.totals.duration.bounds, counts),
    workers: new Map(now.children.filter((each) => earlier.has(each.pid)).map((each) => {
      const was = earlier.get(each.pid);
      return [each.pid, { rate: (each.answers - was.answers) / elapsed,
                          processor: (each.cpu_seconds - was.cpu_seconds) / elapsed }];
    })),
  };
}

// How it is, in a word and a sentence.
function judge(status) {
  const { active_children_count: ready, configured_children_count: wanted, phase } = status;
  const reload = status.reloads[status.reloads.length - 1];
  if (phase === "stopping") return ["warn", "Stopping", "Running requests may finish, new ones go elsewhere."];
  if (phase === "starting" && reload?.verdict === "failed") return ["bad", "Cannot load", reload.summary];
  if (phase === "starting") return ["busy", "Starting", ready ? `${ready} of ${wanted} workers serve already.` : "The first workers load the application."];
  if (ready === 0) return ["bad", "Down", lastRestart(status, "No worker serves.")];
  if (reload?.verdict === "failed") return ["bad", "Reload failed", reload.summary];
  const missing = wanted - ready;
  if (missing > 0) {
    const sentence = `${missing} of ${wanted} workers ${missing === 1 ? "is" : "are"} missing.`;
    return ["warn", "Degraded", lastRestart(status, sentence)];
  }
  if (reload?.verdict === "loading" && reload.generation > 1) {
    const loaded = status.children.filter((each) => each.generation === reload.generation && each.active);
    return ["busy", "Reloading", `Generation ${reload.generation} loads: ${loaded.length} of ${wanted} workers ` +
                                 `serve. Cause: ${reload.cause}`];
  }
  return ["good", "OK", ""];
}

function lastRestart(status, sentence) {
  const last = status.recent_restarts[status.recent_restarts.length - 1];
  return last ? `${sentence} Last: worker ${last.worker} ${last.summary}` : sentence;
}
