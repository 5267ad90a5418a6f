
// ---- the first line ----

function showGlance(status, now) {
  const [level, word, sentence] = judge(status);
  mark(level, word, sentence);
  const last = (column) => now[column] !== undefined ? now[column] : lastOf(history?.[column] ?? []);
  const oldest = status.running_requests?.[0]?.age;
  text(id("glance-workers"), `${status.active_children_count} of ${status.configured_children_count}`);
  text(id("glance-rate"), rate(last("requests_per_second")));
  text(id("glance-p99"), span(last("latency_p99")));
  text(id("glance-oldest"), oldest === undefined ? "no" : span(oldest));
  text(id("glance-oldest-label"), oldest === undefined ? "request running" : "oldest request");
  attribute(id("glance-oldest"), "class", oldest >= 60 ? "bad" : oldest >= 10 ? "warn" : "");
  document.title = `${word} · ${status.active_children_count}/${status.configured_children_count} · Spawning`;
}

const kColours = { good: "#18794e", warn: "#d98a00", bad: "#d1332b", busy: "#2563c9" };

function mark(level, word, sentence) {
  text(id("word"), word);
  text(id("sentence"), sentence);
  id("sentence").hidden = sentence === "";
  if (document.body.dataset.level === level) return;
  document.body.dataset.level = level;
  const icon = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">' +
               `<circle cx="8" cy="8" r="7" fill="${kColours[level]}"/></svg>`;
  id("icon").href = "data:image/svg+xml," + encodeURIComponent(icon);
}

function showFreshness() {
  const at = shownAt ? clock(new Date(shownAt)) : "";
  document.body.dataset.live = paused ? "paused" : lost ? "lost" : "live";
  text(id("fresh"), paused ? `paused at ${at}` : lost ? "trying again" : at);
  text(id("pause"), paused ? "Go on" : "Pause");
  attribute(id("pause"), "aria-pressed", String(paused));
  if (!lost || paused) return;
  mark("bad", "No answer", shownAt ? `No answer since ${at}. This is how it was then; the page goes on by itself.`
                                   : "No answer yet. The page goes on by itself.");
  document.title = "No answer · Spawning";
}

// ---- asking the server ----

const kEvery = 1000;
const kPatience = 5000;
let paused = false;
let lost = false;
let shownAt = 0;     // by this computer's clock
let answeredAt = 0;  // in its own time
let timer = 0;
let asking = false;

class NoAnswer extends Error {}

async function ask(path) {
  try {
    const response = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(kPatience) });
    if (response.ok) return await response.json();
  } catch {
    // whatever the network, or somebody in between, has made of it
  }
  throw new NoAnswer(path);
}

async function refresh() {
  const old = history === null || performance.now() - historyAt > (history.step - history.age) * 1000 || lost;
  const [status, newer] = await Promise.all([ask("status.json"), old ? ask("status/history.json") : history]);
  if (paused) return;
  answeredAt = performance.now();
  shownAt = Date.now();
  if (newer !== history) [history, historyAt] = [newer, answeredAt];
  remember(status);
  render(status);
}

function render(status) {
  const now = present();
  rates = now.workers;
  showGlance(status, now);
  for (const each of charts) draw(each, now);
  showRunning(status);
  showWorkers(status);
  showReloads(status);
  showRestarts(status);
  showTotals(status);
  showConfiguration(status);
}

// One question at a time, the next one a second after the last.
async function live() {
  clearTimeout(timer);
  if (paused || document.hidden || asking) return;
  asking = true;
  const begin = performance.now();
  try {
    await refresh();
    lost = false;
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    lost = true;
  } finally {
    asking = false;
    showFreshness();
    timer = setTimeout(live, Math.max(100, kEvery - (performance.now() - begin)));
  }
}

id("pause").addEventListener("click", () => {
  paused = !paused;
  showFreshness();
  live();
});
document.addEventListener("visibilitychange", live);
live();
