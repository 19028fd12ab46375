// Mouse, pen and fingers. A press takes hold of something; what it does shows while it moves and counts when it ends.

const SLOP_PX = { mouse: 3, pen: 4, touch: 8 };
const NEAR_PX = { mouse: 8, pen: 10, touch: 16 };
const LONG_PRESS_MS = 500;
const DOUBLE_MS = 450;

function createPointing(tl) {
  const { stage, edits, view, film, commands, marks } = tl;
  const fingers = new Map();
  let grip = null; // what is held: {moved, move, end, tap, cancel}
  let press = 0;
  let tapped = { id: null, at: 0 }; // for double clicks, which the browser does not report of what is captured

  function place(event) {
    const box = stage.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  function nearestOnset(event) {
    const { x } = place(event);
    const reach = NEAR_PX[event.pointerType] ?? NEAR_PX.mouse;
    let best = null;
    let distance = reach;
    for (const onset of edits.now.onsets) {
      const away = Math.abs(view.x(onset.time_s) - x);
      if (away <= distance) [best, distance] = [onset, away];
    }
    return best;
  }

  function strengthAt(y) {
    const [top, height] = tl.lanes.hits;
    return clamp(Math.round(((top + height - y) / levelPx(1)) * 20) / 20, MIN_STRENGTH, 1);
  }

  // Shows `part` of an edit until the next one, and at last makes it a step.
  function trial() {
    let back = null;
    let latest = null;
    return {
      show(part) {
        back?.();
        latest = part;
        back = edits.preview(part);
        tl.paint();
      },
      keep() {
        back?.();
        if (latest) edits.step(latest);
        return latest;
      },
      drop() {
        back?.();
        tl.paint();
      },
    };
  }

  function holdOnset(onset, event) {
    const from = place(event);
    const tried = trial();
    const element = marks.element(onset.id);
    let axis = null; // sideways or up and down: whichever comes first, so that neither spoils the other
    let text = "";
    marks.focus(onset.id);
    element?.classList.add("tl-held");
    return {
      move(moved) {
        const { x, y } = place(moved);
        axis ??= Math.abs(x - from.x) >= Math.abs(y - from.y) ? "time" : "strength";
        const part = axis === "time" ? timeOf(x - from.x) : strengthOf(from.y - y);
        if (!part) return;
        tried.show({ onsets: replaced(edits.now.onsets, onset.id, part) });
        const now = { ...onset, ...part };
        text = axis === "time" ? spokenTime(now.time_s) : `Strength ${percent(now.strength)}`;
        tl.bubble(axis === "time" ? clockText(now.time_s) : percent(now.strength), view.x(now.time_s), now.strength);
        if (axis === "time") film.show(now.time_s);
      },
      end() {
        tried.keep();
        tl.say(axis === "time" ? `Onset moved to ${text}.` : `${text}.`);
      },
      tap(up) {
        const twice = tapped.id === onset.id && up.timeStamp - tapped.at < DOUBLE_MS;
        tapped = { id: twice ? null : onset.id, at: up.timeStamp };
        if (twice) return commands.remove(onset.id);
        film.show(onset.time_s);
        tl.say(`Onset at ${spokenTime(onset.time_s)}, strength ${percent(onset.strength)}.`);
      },
      cancel: tried.drop,
      done: () => element?.classList.remove("tl-held"),
      menu: () => tl.openMenu(onset.id),
    };

    function timeOf(dx) {
      const free = clamp(onset.time_s + dx / view.scale(), 0, tl.clip.duration_s);
      const time = tl.snap ? Math.min(snapped(free, tl.clip.fps), frameTime(lastFrame(tl.clip), tl.clip.fps)) : free;
      return occupant(edits.now.onsets, time, tl.clip, onset.id) ? null : { time_s: Math.round(time * 1e6) / 1e6 };
    }
    function strengthOf(dy) {
      const strength = Math.round((onset.strength + dy / levelPx(1)) * 100) / 100;
      return { strength: clamp(strength, MIN_STRENGTH, 1) };
    }
  }

  function holdThreshold(event) {
    const from = place(event).y;
    const before = edits.now.threshold;
    const tried = trial();
    tl.threshold.focus({ preventScroll: true });
    return {
      move(moved) {
        tried.drop();
        const level = clamp(before + (from - place(moved).y) / levelPx(1), 0.01, 1);
        tried.show(commands.atThreshold(Math.round(level * 100) / 100));
      },
      end() {
        tried.keep();
        tl.say(`Threshold ${edits.now.threshold.toFixed(2)}: ${count(edits.now.onsets.length, "onset")}.`);
      },
      cancel: tried.drop,
    };
  }

  function holdSpan({ span: key, part = "body" }, event) {
    const from = place(event).x;
    const before = commands.span(key);
    const tried = trial();
    event.target.closest("[data-span]").focus({ preventScroll: true });
    return {
      move(moved) {
        const span = movedSpan(before, part, (place(moved).x - from) / view.scale(), tl.clip, tl.snap);
        tried.show(commands.withSpan(key, span));
        if (part !== "body") film.show(part === "start" ? span.start_s : (span.end_s ?? tl.clip.duration_s));
      },
      end() {
        tried.keep();
        tl.say(commands.spanText(commands.span(key)));
      },
      tap: () => tl.say(commands.spanText(before)),
      cancel: tried.drop,
    };
  }

  // A finger may only be about to scroll the page: it seeks once it moves sideways or is lifted.
  function holdRuler(event) {
    const from = place(event);
    const seek = (at) => film.seek(view.time(place(at).x));
    if (event.pointerType === "mouse") seek(event);
    return {
      move(moved) {
        const { x, y } = place(moved);
        if (event.pointerType === "mouse" || Math.abs(x - from.x) > Math.abs(y - from.y)) seek(moved);
      },
      tap(up) {
        seek(up);
        stage.focus({ preventScroll: true });
      },
    };
  }

  function holdSelection(event) {
    const from = view.time(place(event).x);
    const tried = trial();
    return {
      move(moved) {
        const ends = [from, view.time(place(moved).x)].sort((a, b) => a - b);
        const [start_s, end_s] = tl.snap ? ends.map((time) => snapped(time, tl.clip.fps)) : ends;
        tried.show({ selection: end_s > start_s ? { start_s, end_s: Math.min(end_s, tl.clip.duration_s) } : null });
      },
      end() {
        tried.keep();
        const { selection } = edits.now;
        tl.say(selection ? commands.spanText(selection) : "Nothing is selected.");
      },
      tap: () => edits.now.selection && commands.removeSpan("selection"),
      cancel: tried.drop,
    };
  }

  // The empty lane: a click adds, a drag moves what is in view.
  function holdLane(event, mayAdd) {
    const from = place(event).x;
    const start = view.start;
    return {
      move(moved) {
        tl.ghost(null);
        view.show(start - (place(moved).x - from) / view.scale(), view.end - view.start);
        tl.paint();
      },
      tap(up) {
        if (!mayAdd) return film.seek(view.time(place(up).x));
        const { x, y } = place(up);
        const id = commands.add(view.time(x), strengthAt(y));
        marks.focus(id);
        film.show(edits.now.onsets.find((onset) => onset.id === id).time_s);
      },
    };
  }

  function gripFor(event) {
    const target = event.target;
    const held = target.closest("[data-span]");
    if (target.closest(".tl-threshold")) return holdThreshold(event);
    const lane = target.closest(".tl-lane")?.dataset.lane;
    if (lane === "time" && (event.shiftKey || tl.selecting)) return holdSelection(event);
    if (held) return holdSpan(held.dataset, event);
    if (lane === "time") return holdRuler(event);
    if (lane !== "hits") return holdLane(event, false);
    const onset = nearestOnset(event);
    return onset ? holdOnset(onset, event) : holdLane(event, true);
  }

  function release(how, event) {
    clearTimeout(press);
    const held = grip;
    grip = null;
    tl.bubble(null);
    if (!held) return;
    if (how === "cancel") held.cancel?.();
    else if (held.moved) held.end?.(event);
    else held.tap?.(event);
    held.done?.();
  }

  // Two fingers: the stretch between them stays between them.
  function pinch() {
    const [a, b] = [...fingers.values()];
    return { middle: (a.x + b.x) / 2, apart: Math.max(10, Math.abs(a.x - b.x)) };
  }

  function holdPinch() {
    let last = pinch();
    return {
      moved: true,
      move() {
        const now = pinch();
        const around = view.time(last.middle);
        view.zoom(now.apart / last.apart, around);
        view.pan((last.middle - now.middle) / view.scale());
        last = now;
        tl.paint();
      },
    };
  }

  function down(event) {
    tl.closeMenu();
    if (event.button !== 0 || !tl.clip) return;
    fingers.set(event.pointerId, place(event));
    if (fingers.size === 2) {
      release("cancel");
      grip = holdPinch();
      return;
    }
    if (fingers.size > 2) return;
    tl.ghost(null);
    stage.setPointerCapture(event.pointerId);
    event.preventDefault();
    grip = { ...gripFor(event), moved: false, from: place(event) };
    if (event.pointerType !== "mouse" && grip.menu) {
      press = setTimeout(() => {
        const { menu } = grip;
        release("cancel");
        menu();
      }, LONG_PRESS_MS);
    }
  }

  function move(event) {
    if (fingers.has(event.pointerId)) fingers.set(event.pointerId, place(event));
    if (!grip) return hover(event);
    if (!grip.moved) {
      const { x, y } = place(event);
      const slop = SLOP_PX[event.pointerType] ?? SLOP_PX.mouse;
      if (Math.hypot(x - grip.from.x, y - grip.from.y) < slop) return;
      grip.moved = true;
      clearTimeout(press);
    }
    grip.move?.(event);
  }

  function hover(event) {
    const lane = event.target.closest?.(".tl-lane")?.dataset.lane;
    if (event.pointerType !== "mouse" || lane !== "hits" || nearestOnset(event)) return tl.ghost(null);
    const { x, y } = place(event);
    const time = tl.snap ? snapped(view.time(x), tl.clip.fps) : view.time(x);
    tl.ghost({ time, strength: strengthAt(y) });
  }

  function up(event) {
    fingers.delete(event.pointerId);
    release("end", event);
  }

  function wheel(event) {
    if (!tl.clip) return;
    const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
    if (event.ctrlKey || event.metaKey) {
      view.zoom(Math.exp(-clamp(event.deltaY, -60, 60) / 120), view.time(place(event).x));
    } else if (view.zoomed() && Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) {
      view.pan(sideways / view.scale());
    } else return;
    event.preventDefault();
    tl.paint();
  }

  stage.addEventListener("pointerdown", down);
  stage.addEventListener("pointermove", move);
  stage.addEventListener("pointerup", up);
  stage.addEventListener("pointerleave", () => tl.ghost(null));
  stage.addEventListener("pointercancel", (event) => {
    fingers.delete(event.pointerId);
    release("cancel");
  });
  stage.addEventListener("wheel", wheel, { passive: false });
  stage.addEventListener("contextmenu", (event) => {
    const onset = event.target.closest('[data-lane="hits"]') && nearestOnset(event);
    if (!onset) return;
    event.preventDefault();
    marks.focus(onset.id);
    tl.openMenu(onset.id);
  });
  return { busy: () => Boolean(grip?.moved) };
}

// The bar under the lanes shows which part of the clip is in view, and moves it.
function createOverview(tl, bar) {
  const { view } = tl;
  const thumb = bar.firstElementChild;
  let from = null;

  bar.addEventListener("pointerdown", (event) => {
    const box = bar.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    if (event.target !== thumb) view.show(share * view.duration - (view.end - view.start) / 2, view.end - view.start);
    bar.setPointerCapture(event.pointerId);
    from = { x: event.clientX, start: view.start };
    tl.paint();
  });
  bar.addEventListener("pointermove", (event) => {
    if (!from) return;
    const seconds = ((event.clientX - from.x) / bar.clientWidth) * view.duration;
    view.show(from.start + seconds, view.end - view.start);
    tl.paint();
  });
  for (const name of ["pointerup", "pointercancel"]) bar.addEventListener(name, () => (from = null));

  return function update() {
    bar.hidden = !view.zoomed();
    thumb.style.left = `${(100 * view.start) / view.duration}%`;
    thumb.style.width = `${(100 * (view.end - view.start)) / view.duration}%`;
  };
}
