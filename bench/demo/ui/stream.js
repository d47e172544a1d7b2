// The stream from the server: one EventSource, one word for its state, and a clock that says which tick to draw now.

const silenceMs = 2500; // figures come every 500 ms: five missed ones are no accident

/**
 * connect listens to /events until the page goes away. on has one function for each kind of message, and state(word)
 * with "connecting", "live", "waiting" (figures, but no frames), "lost" (no connection, or silence) or "ended" (the
 * server said so).
 */
export function connect(on) {
  let source, heardAt = 0, frameAt = -Infinity, state = "", retry = 0;
  const say = word => { if (word !== state) { state = word; on.state(word); } };

  const open = () => {
    source = new EventSource("events");
    for (const kind of ["scene", "roster", "history", "figures", "frame", "end"]) {
      source.addEventListener(kind, message => {
        heardAt = performance.now();
        retry = 0;
        if (kind === "end") { say("ended"); return; }
        if (kind === "frame") frameAt = heardAt;
        if (kind === "frame" || kind === "figures") say(heardAt - frameAt < silenceMs ? "live" : "waiting");
        on[kind](JSON.parse(message.data));
      });
    }
    source.onerror = () => {
      if (state !== "ended") say(state === "connecting" && !heardAt ? "connecting" : "lost");
      if (source.readyState === EventSource.CLOSED) { // refused: the browser will not try again by itself
        retry = Math.min(retry + 1, 5);
        setTimeout(open, 1000 * retry);
      }
    };
  };

  say("connecting");
  open();
  setInterval(() => {
    if ((state === "live" || state === "waiting") && performance.now() - heardAt > silenceMs) say("lost");
  }, 500);
}

/**
 * Clock maps ticks to this page's time. Frames arrive with jitter and never early, so the smallest delay seen is the
 * truth; it is let grow a little each frame, for clocks that drift apart, and followed smoothly.
 */
export class Clock {
  constructor(rate, delayMs) { this.rate = rate; this.delayMs = delayMs; this.reset(); }
  reset() { this.offset = undefined; }

  /** frame notes that the frame of this tick arrived now. Returns true when time has jumped: another match, or a stall. */
  frame(tick, now) {
    const sample = now - tick * 1000 / this.rate;
    const jump = this.offset === undefined || Math.abs(sample - this.least) > 1500;
    if (jump) {
      this.offset = this.least = sample;
    } else {
      this.least = Math.min(sample, this.least + 0.2);
      this.offset += (this.least - this.offset) * 0.1;
    }
    return jump;
  }

  /** tick to draw now, with a fraction. */
  tick(now) { return (now - this.offset - this.delayMs) * this.rate / 1000; }
}
