import { Arena } from "./arena.js";
import { Board } from "./board.js";
import { Chart } from "./chart.js";
import { connect } from "./stream.js";

const find = name => document.getElementById(name);
const root = document.documentElement;

// ---- graphs

const digits = v => v >= 100 ? 0 : v >= 10 ? 1 : 2;
const trim = text => text.includes(".") ? text.replace(/\.?0+$/, "") : text;
const micros = v => v >= 1000 ? trim((v / 1000).toFixed(digits(v / 1000))) + " ms" : Math.round(v) + " µs";
const millis = v => trim(v.toFixed(digits(v))) + " ms";
const bytes = v => v >= 1000 ? trim((v / 1000).toFixed(digits(v / 1000))) + " kB/s" : Math.round(v) + " B/s";
const count = v => trim(v.toFixed(1));
const half = { color: "#56b4e9" }, tail = { color: "#e69f00", dash: [5, 3] };

const charts = {
  tick: { title: "Tick time", format: micros, floor: 100, series: [{ key: "tick50", label: "p50", ...half }, { key: "tick99", label: "p99", ...tail }] },
  late: { title: "Tick lateness", format: micros, floor: 100, series: [{ key: "late50", label: "p50", ...half }, { key: "late99", label: "p99", ...tail }] },
  players: { title: "Players", format: count, floor: 8, series: [{ key: "players", label: "connected", color: "#2fb68a" }] },
  bytes: { title: "Bytes per client", format: bytes, floor: 1000, series: [{ key: "down", label: "down", ...half }, { key: "up", label: "up", ...tail }] },
  rtt: { title: "Round trip", format: millis, floor: 1, series: [{ key: "rtt50", label: "p50", ...half }, { key: "rtt99", label: "p99", ...tail }] },
};
const drawn = Object.entries(charts).map(([name, options]) => new Chart(document.querySelector(`[data-chart=${name}]`), options));

// ---- arena and board

let board;
const arena = new Arena(find("arena"), e => board.happen(e));
board = new Board(arena, find("scores"), find("totals"), find("round"), find("feed"));

function loop(now) {
  arena.draw(now);
  requestAnimationFrame(loop);
}
requestAnimationFrame(loop);
addEventListener("keydown", e => { if (e.key === "Escape") arena.follow = undefined; });
setInterval(() => { if (arena.drawn) board.show(arena.drawn); }, 200);

// ---- what the page says

const curtain = {
  connecting: ["Connecting …", "Waiting for the server's first words."],
  waiting: ["Waiting for the first frame", "The server answers; its match has not begun yet."],
  lost: ["Connection lost", "The server is gone or silent. The page tries again by itself."],
  ended: ["The server has stopped", "Start it again with: make run. The page will find it by itself."],
};

function setState(word) {
  root.dataset.state = word;
  find("state").lastElementChild.textContent = { connecting: "connecting", live: "live", waiting: "waiting", lost: "reconnecting", ended: "stopped" }[word];
  const text = curtain[word];
  if (text) [find("curtain").querySelector("h2").textContent, find("curtain").querySelector("p").textContent] = text;
}

function duration(seconds) {
  const s = Math.floor(seconds), two = n => String(n).padStart(2, "0");
  return s >= 3600 ? `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${Math.floor(s / 60)}:${two(s % 60)}`;
}

function showFigures(f) {
  find("players").textContent = f.players;
  find("uptime").textContent = duration(f.at);
  find("overruns").textContent = f.overruns;
}

// ---- the stream

let frames = 0;
connect({
  state: setState,
  scene(scene) {
    find("match").textContent = scene.name;
    find("rate").textContent = scene.rate + " Hz";
    arena.setScene(scene);
    board.setScene(scene);
  },
  roster(names) { arena.names = new Map(names.map(n => [n.id, n])); },
  history(samples) { for (const c of drawn) c.reset(samples); showFigures(samples.at(-1)); },
  figures(sample) { for (const c of drawn) c.add(sample); showFigures(sample); },
  frame(frame) { arena.push(frame); root.dataset.frames = ++frames; },
});
