// The scoreboard and the kill feed: DOM, not canvas, so that they can be read out, selected and found.

import { kinds, teamColors } from "./arena.js";

const feedMax = 6, feedMs = 6000;
const id = 0, team = 1, alive = 2, health = 6, armor = 7, kills = 8, deaths = 9;

function element(tag, className, text) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  if (text !== undefined) e.textContent = text;
  return e;
}

export class Board {
  constructor(arena, scores, totals, round, feed) {
    Object.assign(this, { arena, scores, totals, round, feed });
    this.rows = new Map(); // id → its row and what stands in it
  }

  setScene(scene) {
    this.totalCells = scene.teams.map((name, i) => {
      const cell = element("div");
      cell.style.setProperty("--team", teamColors[i] || "#c9d2de");
      const label = element("span");
      label.append(element("i", `badge t${i}`), name);
      const value = element("b", "", "0");
      cell.append(label, value);
      return { cell, value };
    });
    this.totals.replaceChildren(...this.totalCells.map(t => t.cell));
    this.totals.style.gridTemplateColumns = `repeat(${scene.teams.length || 1}, 1fr)`;
    this.feed.replaceChildren();
    this.scene = scene;
  }

  nameOf(player) { return this.arena.names.get(player)?.name || `#${player}`; }

  /** show writes the newest frame; called a few times a second. Only what has changed touches the page. */
  show(frame) {
    const sums = this.scene.teams.map(() => 0);
    const order = frame.p.slice().sort((a, b) => b[kills] - a[kills] || a[deaths] - b[deaths] || a[id] - b[id]);
    const seen = new Set();
    let place = this.scores.firstElementChild;
    for (const p of order) {
      if (p[team] < sums.length) sums[p[team]] += p[kills];
      seen.add(p[id]);
      const row = this.row(p);
      if (place === row.tr) place = place.nextElementSibling; else this.scores.insertBefore(row.tr, place);
      this.write(row, p);
    }
    for (const [player, row] of this.rows) if (!seen.has(player)) { row.tr.remove(); this.rows.delete(player); }
    let empty = this.scores.querySelector(".empty");
    if (order.length) empty?.remove();
    else if (!empty) {
      empty = element("tr", "empty");
      const cell = empty.appendChild(element("td", "", "Nobody has joined yet."));
      cell.colSpan = 4;
      this.scores.append(empty);
    }
    const [number, left, ...points] = frame.r;
    this.totalCells.forEach((t, i) => set(t.value, String(points[i] ?? sums[i])));
    set(this.round, number ? `Round ${number} · ${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")} left` : "");
  }

  row(p) {
    let row = this.rows.get(p[id]);
    if (row) return row;
    const tr = element("tr");
    row = { tr, badge: element("i"), name: element("button"), bar: element("i"), plate: element("i", "plate"), kills: element("td"), deaths: element("td"), width: -1 };
    const who = element("td");
    who.append(row.badge, row.name);
    const life = element("td"), track = element("span", "bar");
    track.append(row.bar, row.plate);
    life.append(track);
    tr.append(who, life, row.kills, row.deaths);
    tr.addEventListener("click", () => { this.arena.follow = this.arena.follow === p[id] ? undefined : p[id]; this.mark(); });
    this.rows.set(p[id], row);
    return row;
  }

  write(row, p) {
    set(row.name, this.nameOf(p[id]));
    set(row.kills, String(p[kills]));
    set(row.deaths, String(p[deaths]));
    const badge = `badge t${p[team]}`;
    if (row.badge.className !== badge) row.badge.className = badge;
    row.tr.style.setProperty("--team", teamColors[p[team]] || "#c9d2de");
    row.tr.classList.toggle("dead", !p[alive]);
    row.tr.classList.toggle("follow", this.arena.follow === p[id]);
    row.name.setAttribute("aria-pressed", this.arena.follow === p[id]);
    const width = p[alive] ? Math.round(p[health] * 100) : 0;
    if (row.width !== width) {
      row.width = width;
      row.bar.style.width = width + "%";
      row.bar.className = width > 35 ? "" : "low";
      row.bar.parentElement.title = p[alive] ? width + " %" : "dead";
    }
    const plate = p[alive] ? Math.round(p[armor] * 100) : 0;
    if (row.plateWidth !== plate) {
      row.plateWidth = plate;
      row.plate.style.width = plate + "%";
    }
  }

  mark() {
    for (const [player, row] of this.rows) row.tr.classList.toggle("follow", this.arena.follow === player);
  }

  /** happen gets each event when the arena draws it. */
  happen([kind, by, of, how]) {
    if (kind !== kinds.kill && kind !== kinds.round) return;
    const line = element("li");
    const verb = this.scene.weapons?.[how] || "shot";
    if (kind === kinds.round) line.append(how < this.scene.teams.length ? `${this.scene.teams[how]} wins the round` : "The round is a draw");
    else if (by === of) line.append(this.who(of), element("em", "", "died"));
    else line.append(this.who(by), element("em", "", verb), this.who(of));
    this.feed.append(line);
    while (this.feed.children.length > feedMax) this.feed.firstElementChild.remove();
    setTimeout(() => line.classList.add("old"), feedMs);
    setTimeout(() => line.remove(), feedMs + 700);
  }

  who(player) {
    const name = element("span", "", this.nameOf(player));
    name.style.color = teamColors[this.arena.teamOf(player)] || "#c9d2de";
    return name;
  }
}

function set(e, text) { if (e.textContent !== text) e.textContent = text; }
