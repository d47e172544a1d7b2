// What areas assert with. An area's RPC answers a line for each thing that is not as it should be, and for each function of
// nk a line when it was called and one when it returned:
//
//   ! what is wrong        > called        < returned

export const system = "00000000-0000-0000-0000-000000000000";
export const nobody = "00000000-0000-4000-8000-00000000dead";

// show is a value as text: objects with sorted keys, so that equal ones look equal; null and undefined do not.
export function show(v) {
  if (v instanceof ArrayBuffer) return "<" + Array.from(new Uint8Array(v)).join(" ") + ">";
  if (Array.isArray(v)) return "[" + v.map(show).join(", ") + "]";
  if (v !== null && typeof v === "object") return "{" + Object.keys(v).sort().map((k) => k + ": " + show(v[k])).join(", ") + "}";
  return v === undefined ? "undefined" : JSON.stringify(v);
}

const times = new Set(["createTime", "updateTime", "verifyTime", "disableTime"]);

// timed is a result whose times are "now" where they are within a minute of it.
export function timed(v) {
  if (Array.isArray(v)) return v.map(timed);
  if (v === null || typeof v !== "object") return v;
  return Object.fromEntries(Object.entries(v).map(([k, member]) => {
    const isNow = times.has(k) && typeof member === "number" && Math.abs(member - Date.now() / 1000) < 60;
    return [k, isNow ? "now" : timed(member)];
  }));
}

// text is what was thrown, without the place.
export const text = (e) => String(e).replace(/ at .* \(native\)$/, "");

class Check {
  constructor(ctx, nk, area) {
    this.ctx = ctx;
    this.area = area;
    this.plain = nk;
    this.lines = new Set();
    this.nk = new Proxy(nk, {
      get: (functions, name) => (...args) => {
        this.lines.add("> " + name);
        const result = functions[name](...args);
        this.lines.add("< " + name);
        return result;
      },
    });
  }

  fail(why) {
    this.lines.add("! " + String(why).replace(/\n/g, " "));
  }

  is(got, want, what = "") {
    if (show(got) !== show(want)) this.fail(`${what} got ${show(got)}, want ${show(want)}`);
  }

  throws(want, name, ...args) {
    try {
      this.nk[name](...args);
    } catch (e) {
      if (text(e) !== want) this.fail(`${name} says ${text(e)}, want ${want}`);
      return;
    }
    this.fail(`${name} does not throw: ${want}`);
  }

  // refuses asserts what a function of nk throws when it fails, and wrong when an argument is refused.
  refuses(want, name, ...args) {
    this.throws("GoError: " + want, name, ...args);
  }

  wrong(want, name, ...args) {
    this.throws("TypeError: " + want, name, ...args);
  }

  // fails is what a call throws; "" when it does not.
  fails(call) {
    try {
      call();
    } catch (e) {
      return text(e);
    }
    return "";
  }

  // user is a user of this area: an id, and a name.
  user(name) {
    const username = name + "_" + this.area;
    return [this.plain.authenticateCustom("custom_" + username, username).userId, username];
  }
}

// areas makes RPCs of functions of (t, nk, payload).
export function areas(initializer, bodies) {
  for (const [name, body] of Object.entries(bodies)) {
    initializer.registerRpc("area_" + name, (ctx, logger, nk, payload) => {
      const t = new Check(ctx, nk, name);
      t.logger = logger;
      try {
        body(t, t.nk, payload);
      } catch (e) {
        t.fail(e.stack || e);
      }
      return [...t.lines].join("\n");
    });
  }
}
