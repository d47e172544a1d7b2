// The arena: what the spectator saw, drawn 100 ms later so that there is always a frame on either side to draw between.

import { Clock } from "./stream.js";

export const teamColors = ["#f4694c", "#56b4e9"];
const neutral = "#c9d2de";
const pickupColors = ["#2fb68a", "#b9c7ff", "#f0c541"]; // health, armour, rockets
const delayMs = 100;
const snapUnits = 4; // farther between two frames than anybody walks: a respawn, not to be drawn as a flight
const followZoom = 1.9, margin = 14; // pixels
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

// Rows of a frame, as view.go writes them.
const id = 0, team = 1, alive = 2, x = 3, y = 4, angle = 5, health = 6, armor = 7;
const shot = { id: 0, kind: 1, team: 2, x: 3, y: 4 };
const pickup = { id: 0, kind: 1, x: 2, y: 3, ready: 4 };
const event = { kind: 0, by: 1, of: 2, how: 3, hit: 4, x: 5, y: 6, toX: 7, toY: 8 };
export const kinds = { shot: 1, kill: 2, blast: 3, take: 4, round: 5 };

export class Arena {
  /** onEvent gets each event when it is drawn, so that the kill feed agrees with the picture. */
  constructor(canvas, onEvent) {
    this.canvas = canvas;
    this.onEvent = onEvent;
    this.names = new Map();
    this.follow = undefined;
    this.clear();
    new ResizeObserver(() => { this.ground = undefined; this.draw(performance.now()); }).observe(canvas);
    canvas.addEventListener("click", e => this.pick(e));
    canvas.addEventListener("pointermove", e => { this.hover = this.at(e); });
    canvas.addEventListener("pointerleave", () => { this.hover = undefined; });
  }

  clear() {
    this.frames = [];
    this.effects = [];
    this.waiting = [];
    this.hurt = new Map(); // id → until when its body flashes
    this.trails = new Map();
  }

  setScene(scene) {
    this.scene = scene;
    this.clock = new Clock(scene.rate, delayMs);
    this.ground = undefined;
    this.clear();
  }

  push(frame) {
    if (!this.scene) return;
    const now = performance.now();
    if (this.clock.frame(frame.t, now)) this.clear();
    for (const e of frame.e) this.waiting.push({ tick: frame.t, e });
    frame.byID = new Map(frame.p.map(p => [p[id], p]));
    this.frames.push(frame);
    while (this.frames.length > 40) this.frames.shift();
  }

  // ---- geometry

  /** aim moves the camera towards the followed player, or back to the whole arena, and returns where units land. */
  aim(now, players) {
    const { minX, minY, maxX, maxY } = this.scene;
    const target = players.find(p => p[id] === this.follow && p[alive]);
    const want = target ? { zoom: followZoom, x: target[x], y: target[y] } : { zoom: 1, x: (minX + maxX) / 2, y: (minY + maxY) / 2 };
    const camera = this.camera ||= { ...want };
    const part = still ? 1 : 1 - Math.exp(-Math.min(now - (this.aimedAt || now), 100) / 140);
    this.aimedAt = now;
    for (const key of ["zoom", "x", "y"]) camera[key] += (want[key] - camera[key]) * part;
    if (!target && camera.zoom < 1.003) Object.assign(camera, want);

    const width = this.canvas.clientWidth, height = this.canvas.clientHeight;
    const scale = camera.zoom * Math.min((width - 2 * margin) / (maxX - minX), (height - 2 * margin) / (maxY - minY));
    const place = (size, low, high, at) => (high - low) * scale <= size - 2 * margin + 1
      ? (size - (low + high) * scale) / 2
      : Math.min(margin - low * scale, Math.max(size - margin - high * scale, size / 2 - at * scale)); // not beyond the edge
    return { scale, dx: place(width, minX, maxX, camera.x), dy: place(height, minY, maxY, camera.y) };
  }

  at(e) {
    const f = this.view;
    return f && { x: (e.offsetX - f.dx) / f.scale, y: (e.offsetY - f.dy) / f.scale };
  }

  pick(e) {
    const at = this.at(e), frame = this.frames.at(-1);
    if (!at || !frame) return;
    const near = frame.p.filter(p => p[alive]).map(p => [Math.hypot(p[x] - at.x, p[y] - at.y), p[id]]).sort((a, b) => a[0] - b[0])[0];
    this.follow = near && near[0] < this.scene.radius * 4 && near[1] !== this.follow ? near[1] : undefined;
  }

  // ---- time

  /** between returns the frames around a tick and how far it is from the first to the second. */
  between(tick) {
    const frames = this.frames;
    for (let i = frames.length - 1; i > 0; i--) {
      const a = frames[i - 1], b = frames[i];
      if (a.t <= tick) return { a, b, part: Math.min((tick - a.t) / (b.t - a.t), 1) };
    }
    const only = frames[0];
    return { a: only, b: only, part: 0 };
  }

  blend(p, q, part) {
    if (!q || Math.hypot(q[x] - p[x], q[y] - p[y]) > snapUnits) return part < 0.5 || !q ? p : q;
    const out = q.slice();
    out[x] = p[x] + (q[x] - p[x]) * part;
    out[y] = p[y] + (q[y] - p[y]) * part;
    let turn = (q[angle] - p[angle]) % (2 * Math.PI);
    if (turn > Math.PI) turn -= 2 * Math.PI;
    if (turn < -Math.PI) turn += 2 * Math.PI;
    out[angle] = p[angle] + turn * part;
    return out;
  }

  happen(tick, now) {
    while (this.waiting.length && this.waiting[0].tick <= tick) {
      const { e } = this.waiting.shift();
      const by = this.teamOf(e[event.by]);
      switch (e[event.kind]) {
      case kinds.shot:
        this.effects.push({ type: "ray", from: now, life: 170, color: teamColors[by] || neutral, e });
        if (e[event.hit] && e[event.of] !== e[event.by]) this.hurt.set(e[event.of], now + 130);
        break;
      case kinds.blast:
        this.effects.push({ type: "blast", from: now, life: 380, color: "#f0c541", e });
        break;
      case kinds.kill: {
        const victim = this.frames.at(-1)?.byID.get(e[event.of]);
        if (victim) this.effects.push({ type: "death", from: now, life: 650, color: teamColors[victim[team]] || neutral, x: victim[x], y: victim[y] });
        break;
      }
      case kinds.take:
        this.effects.push({ type: "take", from: now, life: 420, color: pickupColors[e[event.how] % pickupColors.length], e });
        break;
      }
      this.onEvent(e);
    }
  }

  teamOf(player) { return this.frames.at(-1)?.byID.get(player)?.[team]; }

  // ---- drawing

  draw(now) {
    const canvas = this.canvas, ratio = window.devicePixelRatio || 1;
    const width = Math.round(canvas.clientWidth * ratio), height = Math.round(canvas.clientHeight * ratio);
    if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
    const c = canvas.getContext("2d");
    c.setTransform(1, 0, 0, 1, 0, 0);
    c.clearRect(0, 0, width, height);
    if (!this.scene || !width) return;
    const players = [];
    let tick, a, b, part;
    if (this.frames.length) {
      tick = this.clock.tick(now);
      ({ a, b, part } = this.between(tick));
      for (const p of a.p) players.push(this.blend(p, b.byID.get(p[id]), part));
      for (const p of b.p) if (!a.byID.has(p[id])) players.push(p);
    }
    const f = this.view = this.aim(now, players);
    const unit = 1 / f.scale; // a pixel
    const transform = [ratio * f.scale, 0, 0, ratio * f.scale, ratio * f.dx, ratio * f.dy];
    if (this.camera.zoom === 1) {
      this.ground ||= this.groundLayer(transform, unit, width, height);
      c.drawImage(this.ground, 0, 0);
      c.setTransform(...transform);
    } else {
      c.setTransform(...transform);
      this.drawGround(c, unit, f.scale);
    }
    if (!b) return;

    this.happen(tick, now);
    this.drawn = b;
    for (const k of b.k) this.drawPickup(c, k, unit, now);
    this.drawShots(c, a, b, part, unit);
    for (const p of players) if (p[alive]) this.drawBody(c, p, unit, now);
    this.drawEffects(c, unit, now);
    for (const p of players) if (p[alive]) this.drawLabel(c, p, unit);
  }

  groundLayer(transform, unit, width, height) {
    const layer = document.createElement("canvas");
    layer.width = width; layer.height = height;
    const c = layer.getContext("2d");
    c.setTransform(...transform);
    this.drawGround(c, unit, 1 / unit);
    return layer;
  }

  drawGround(c, unit, scale) {
    const s = this.scene, w = s.maxX - s.minX, h = s.maxY - s.minY;
    c.fillStyle = "#121925";
    c.fillRect(s.minX, s.minY, w, h);
    let step = 1;
    while (step * scale < 26) step *= 2;
    c.lineWidth = unit;
    c.strokeStyle = "#192231";
    c.beginPath();
    for (let gx = Math.ceil(s.minX / step) * step; gx < s.maxX; gx += step) { c.moveTo(gx, s.minY); c.lineTo(gx, s.maxY); }
    for (let gy = Math.ceil(s.minY / step) * step; gy < s.maxY; gy += step) { c.moveTo(s.minX, gy); c.lineTo(s.maxX, gy); }
    c.stroke();
    for (const r of s.walls) {
      c.fillStyle = "#00000059";
      c.fillRect(r.x + 3 * unit, r.y + 4 * unit, r.w, r.h);
    }
    // Light falls on the upper edge of walls that have no wall above: fill all in the light's colour, then all again a
    // little lower, but only within them.
    c.save();
    c.beginPath();
    for (const r of s.walls) c.rect(r.x, r.y, r.w, r.h);
    c.fillStyle = "#4d5f80";
    c.fill();
    c.clip();
    c.fillStyle = "#33415a";
    for (const r of s.walls) c.fillRect(r.x - unit, r.y + 2 * unit, r.w + 2 * unit, r.h);
    c.restore();
    c.strokeStyle = "#465674";
    c.lineWidth = 2 * unit;
    c.strokeRect(s.minX, s.minY, w, h);
  }

  drawPickup(c, k, unit, now) {
    const size = Math.max(this.scene.radius * 0.75, 5 * unit);
    const color = pickupColors[k[pickup.kind] % pickupColors.length];
    c.save();
    c.translate(k[pickup.x], k[pickup.y]);
    c.lineWidth = 1.5 * unit;
    c.strokeStyle = color;
    if (!k[pickup.ready]) {
      c.globalAlpha = 0.3;
      c.setLineDash([3 * unit, 3 * unit]);
      c.beginPath(); c.arc(0, 0, size, 0, 7); c.stroke();
      c.restore();
      return;
    }
    const swell = still ? 1 : 1 + 0.06 * Math.sin(now / 260 + k[pickup.id]);
    c.scale(swell, swell);
    c.fillStyle = color + "2b";
    c.beginPath(); c.arc(0, 0, size, 0, 7); c.fill(); c.stroke();
    c.fillStyle = color;
    const arm = size * 0.55, thick = size * 0.24;
    switch (k[pickup.kind] % 3) { // a shape each, for whoever cannot tell the colours apart
    case 0: c.fillRect(-arm, -thick, 2 * arm, 2 * thick); c.fillRect(-thick, -arm, 2 * thick, 2 * arm); break;
    case 1: c.fillRect(-arm * 0.8, -arm * 0.8, arm * 0.55, arm * 1.6); c.fillRect(arm * 0.25, -arm * 0.8, arm * 0.55, arm * 1.6); break;
    case 2: c.beginPath(); c.moveTo(0, -arm); c.lineTo(arm, arm * 0.75); c.lineTo(-arm, arm * 0.75); c.fill(); break;
    }
    c.restore();
  }

  drawShots(c, a, b, part, unit) {
    const before = new Map(a.s.map(s => [s[shot.id], s])), seen = new Set();
    for (const s of b.s) {
      const p = before.get(s[shot.id]) || s;
      const far = Math.hypot(s[shot.x] - p[shot.x], s[shot.y] - p[shot.y]) > snapUnits * 2;
      const sx = far ? s[shot.x] : p[shot.x] + (s[shot.x] - p[shot.x]) * part;
      const sy = far ? s[shot.y] : p[shot.y] + (s[shot.y] - p[shot.y]) * part;
      const trail = this.trails.get(s[shot.id]) || [];
      if (far) trail.length = 0;
      trail.push([sx, sy]);
      if (trail.length > 12) trail.shift();
      this.trails.set(s[shot.id], trail);
      seen.add(s[shot.id]);
      const color = teamColors[s[shot.team]] || neutral, size = Math.max(this.scene.radius * 0.34, 2.6 * unit);
      for (let i = 1; i < trail.length; i++) {
        c.strokeStyle = color;
        c.globalAlpha = 0.5 * i / trail.length;
        c.lineWidth = size * 1.3 * i / trail.length;
        c.beginPath(); c.moveTo(...trail[i - 1]); c.lineTo(...trail[i]); c.stroke();
      }
      c.globalAlpha = 0.28;
      c.fillStyle = color;
      c.beginPath(); c.arc(sx, sy, size * 2.2, 0, 7); c.fill();
      c.globalAlpha = 1;
      c.fillStyle = "#fff";
      c.beginPath(); c.arc(sx, sy, size, 0, 7); c.fill();
    }
    for (const known of this.trails.keys()) if (!seen.has(known)) this.trails.delete(known);
  }

  drawBody(c, p, unit, now) {
    const r = Math.max(this.scene.radius, 6 * unit);
    const color = (this.hurt.get(p[id]) || 0) > now ? "#ffffff" : teamColors[p[team]] || neutral;
    c.save();
    c.translate(p[x], p[y]);
    if (p[id] === this.follow) {
      c.strokeStyle = "#ffffff";
      c.lineWidth = 1.5 * unit;
      c.setLineDash([4 * unit, 4 * unit]);
      c.beginPath(); c.arc(0, 0, r * 2.1, 0, 7); c.stroke();
      c.setLineDash([]);
    }
    c.fillStyle = "#0006";
    c.beginPath(); c.arc(unit * 1.5, unit * 2.5, r, 0, 7); c.fill();
    c.rotate(p[angle]);
    c.strokeStyle = color;
    c.lineWidth = r * 0.5;
    c.beginPath(); c.moveTo(r * 0.4, 0); c.lineTo(r * 1.65, 0); c.stroke(); // the gun says where it looks
    c.fillStyle = color;
    c.strokeStyle = "#0a0d13";
    c.lineWidth = 1.2 * unit;
    c.beginPath();
    if (p[team] === 1) { // the second team is square: told apart without colour
      const d = r * 0.92;
      c.rect(-d, -d, 2 * d, 2 * d);
    } else {
      c.arc(0, 0, r, 0, 7);
    }
    c.fill(); c.stroke();
    c.restore();
  }

  drawLabel(c, p, unit) {
    const r = Math.max(this.scene.radius, 6 * unit), w = Math.max(r * 2.5, 22 * unit), h = 3.5 * unit;
    const top = p[y] - r - 9 * unit;
    c.fillStyle = "#0a0d13cc";
    c.fillRect(p[x] - w / 2 - unit, top - unit, w + 2 * unit, h + 2 * unit);
    c.fillStyle = p[health] > 0.35 ? "#2fb68a" : "#f0c541";
    c.fillRect(p[x] - w / 2, top, w * Math.max(0, Math.min(1, p[health])), h);
    if (p[armor] > 0) {
      c.fillStyle = "#b9c7ff";
      c.fillRect(p[x] - w / 2, top, w * Math.min(1, p[armor]), h * 0.42);
    }
    const name = this.names.get(p[id])?.name;
    if (!name) return;
    const near = this.hover && Math.hypot(this.hover.x - p[x], this.hover.y - p[y]) < r * 3;
    c.font = `${p[id] === this.follow || near ? 600 : 400} ${11 * unit}px system-ui, 'DejaVu Sans', sans-serif`;
    c.textAlign = "center";
    c.textBaseline = "alphabetic";
    c.lineWidth = 3 * unit;
    c.lineJoin = "round";
    c.strokeStyle = "#0a0d13cc";
    c.strokeText(name, p[x], top - 4 * unit);
    c.fillStyle = p[id] === this.follow || near ? "#ffffff" : "#c4cedb";
    c.fillText(name, p[x], top - 4 * unit);
  }

  drawEffects(c, unit, now) {
    this.effects = this.effects.filter(f => now - f.from < f.life);
    for (const f of this.effects) {
      const age = (now - f.from) / f.life, left = 1 - age, e = f.e;
      c.save();
      c.globalAlpha = left;
      c.strokeStyle = c.fillStyle = f.color;
      c.lineCap = "round";
      switch (f.type) {
      case "ray":
        c.lineWidth = (1 + 2.2 * left) * unit;
        c.beginPath(); c.moveTo(e[event.x], e[event.y]); c.lineTo(e[event.toX], e[event.toY]); c.stroke();
        c.strokeStyle = "#fff";
        c.lineWidth = unit * left;
        c.stroke();
        c.fillStyle = e[event.hit] ? "#fff" : f.color;
        c.beginPath(); c.arc(e[event.toX], e[event.toY], (e[event.hit] ? 5 : 2.5) * unit * (0.5 + left), 0, 7); c.fill();
        break;
      case "blast": {
        const r = Math.max(e[event.toX], 12 * unit) * (0.35 + 0.65 * Math.sqrt(age));
        c.globalAlpha = 0.35 * left;
        c.beginPath(); c.arc(e[event.x], e[event.y], r, 0, 7); c.fill();
        c.globalAlpha = left;
        c.lineWidth = 2.5 * unit * left;
        c.stroke();
        break;
      }
      case "death": {
        const reach = this.scene.radius * (1 + 3 * age), d = this.scene.radius * 0.7;
        c.lineWidth = 2 * unit * left;
        c.beginPath(); c.arc(f.x, f.y, reach, 0, 7); c.stroke();
        c.lineWidth = 3 * unit;
        c.beginPath(); c.moveTo(f.x - d, f.y - d); c.lineTo(f.x + d, f.y + d); c.moveTo(f.x + d, f.y - d); c.lineTo(f.x - d, f.y + d); c.stroke();
        break;
      }
      case "take":
        c.lineWidth = 2 * unit;
        c.beginPath(); c.arc(e[event.x], e[event.y], this.scene.radius * (1 + 1.5 * age), 0, 7); c.stroke();
        break;
      }
      c.restore();
    }
  }
}
