// A line chart over the last two minutes, drawn by hand: no library, no download.

const spanSeconds = 120;
const ink = { grid: "#1e2735", axis: "#8592a4", cursor: "#4a586c" };
const svg = "http://www.w3.org/2000/svg";

/** niceMax is the smallest of 1, 2, 2.5, 5 × 10ⁿ that is not below v. */
function niceMax(v) {
  const unit = 10 ** Math.floor(Math.log10(v));
  return [1, 2, 2.5, 5, 10].map(m => m * unit).find(m => m >= v * 0.999);
}

/**
 * Chart fills a figure. options: title; series: [{key, label, color, dash}]; format(value) → text with its unit;
 * floor: the least upper end of the axis.
 */
export class Chart {
  constructor(figure, options) {
    Object.assign(this, options);
    this.samples = [];
    this.top = options.floor;
    const caption = figure.appendChild(document.createElement("figcaption"));
    const title = caption.appendChild(document.createElement("h3"));
    title.textContent = this.title;
    this.readings = this.series.map(s => {
      const span = caption.appendChild(document.createElement("span"));
      span.append(swatch(s), s.label + " ");
      const value = span.appendChild(document.createElement("b"));
      value.textContent = "–";
      return value;
    });
    this.canvas = figure.appendChild(document.createElement("canvas"));
    this.canvas.setAttribute("role", "img");
    this.none = figure.appendChild(document.createElement("div"));
    this.none.className = "none";
    this.none.textContent = "no figures yet";
    this.canvas.addEventListener("pointermove", e => { this.cursor = e.offsetX; this.draw(); });
    this.canvas.addEventListener("pointerleave", () => { this.cursor = undefined; this.draw(); });
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }

  /** reset replaces everything; add appends one sample. A sample has at (seconds) and a number per series. */
  reset(samples) { this.samples = samples.slice(); this.draw(); }
  add(sample) {
    const last = this.samples.at(-1);
    if (last && sample.at < last.at) this.samples = []; // another server
    this.samples.push(sample);
    while (this.samples[0].at < sample.at - spanSeconds - 2) this.samples.shift();
    this.draw();
  }

  draw() {
    const ratio = window.devicePixelRatio || 1;
    const width = this.canvas.clientWidth, height = this.canvas.clientHeight;
    if (!width) return;
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
    }
    const c = this.canvas.getContext("2d");
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, width, height);
    c.font = "11px system-ui, 'DejaVu Sans', sans-serif";
    c.textBaseline = "middle";
    this.none.hidden = this.samples.length > 0;
    this.none.style.display = this.samples.length > 0 ? "none" : "";

    const latest = this.samples.at(-1);
    const end = latest ? latest.at : 0, begin = end - spanSeconds;
    const visible = this.samples.filter(s => s.at >= begin - 2);
    let most = this.floor;
    for (const s of visible) for (const { key } of this.series) most = Math.max(most, s[key] || 0);
    const top = niceMax(most * 1.05);

    const steps = 4;
    let left = 0;
    for (let i = 0; i <= steps; i += 2) left = Math.max(left, c.measureText(this.format(top * i / steps)).width);
    left += 8;
    const box = { x: left, y: 8, w: width - left - 4, h: height - 30 };
    const px = at => box.x + (at - begin) / spanSeconds * box.w;
    const py = v => box.y + box.h - Math.min(v / top, 1) * box.h;

    c.lineWidth = 1;
    c.strokeStyle = ink.grid;
    c.fillStyle = ink.axis;
    c.textAlign = "right";
    for (let i = 0; i <= steps; i++) {
      const y = Math.round(py(top * i / steps)) + 0.5;
      c.beginPath(); c.moveTo(box.x, y); c.lineTo(box.x + box.w, y); c.stroke();
      if (i % 2 === 0) c.fillText(this.format(top * i / steps), left - 6, y);
    }
    for (const [seconds, text, align] of [[spanSeconds, "2 min ago", "left"], [spanSeconds / 2, "1 min", "center"], [0, "now", "right"]]) {
      c.textAlign = align;
      c.fillText(text, px(end - seconds), height - 9);
    }

    c.save();
    c.beginPath(); c.rect(box.x, box.y - 2, box.w + 2, box.h + 4); c.clip();
    c.lineJoin = "round";
    for (const s of [...this.series].reverse()) {
      c.strokeStyle = s.color;
      c.lineWidth = 1.6;
      c.setLineDash(s.dash || []);
      c.beginPath();
      let before;
      for (const sample of visible) {
        const x = px(sample.at), y = py(sample[s.key]);
        if (before === undefined || sample.at - before > 3) c.moveTo(x, y); else c.lineTo(x, y); // a gap is a gap
        before = sample.at;
      }
      c.stroke();
    }
    c.setLineDash([]);
    c.restore();

    let shown = latest;
    if (this.cursor !== undefined && visible.length) {
      const at = begin + (this.cursor - box.x) / box.w * spanSeconds;
      shown = visible.reduce((a, b) => Math.abs(b.at - at) < Math.abs(a.at - at) ? b : a);
      c.strokeStyle = ink.cursor;
      const x = Math.round(px(shown.at)) + 0.5;
      c.beginPath(); c.moveTo(x, box.y); c.lineTo(x, box.y + box.h); c.stroke();
      for (const s of this.series) {
        c.fillStyle = s.color;
        c.beginPath(); c.arc(x, py(shown[s.key]), 3, 0, 7); c.fill();
      }
    }
    if (shown) this.series.forEach((s, i) => { this.readings[i].textContent = this.format(shown[s.key]); });
    if (latest) {
      this.canvas.setAttribute("aria-label", this.title + ", now: " + this.series.map(s => s.label + " " + this.format(latest[s.key])).join(", "));
    }
  }
}

function swatch(series) {
  const box = document.createElementNS(svg, "svg");
  for (const [name, value] of [["width", 16], ["height", 4], ["aria-hidden", "true"]]) box.setAttribute(name, value);
  const line = box.appendChild(document.createElementNS(svg, "path"));
  for (const [name, value] of [["d", "M0 2h16"], ["stroke", series.color], ["stroke-width", 2.4], ["stroke-dasharray", (series.dash || []).join(" ")]]) line.setAttribute(name, value);
  return box;
}
