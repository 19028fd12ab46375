// What the buttons, the keys and the pointer have in common: each does one thing and says what happened.

function createCommands(tl) {
  const { edits, film, view } = tl;
  const find = (id) => edits.now.onsets.find((onset) => onset.id === id);
  const step = (part, key) => edits.step(part, key);

  const commands = {
    add(time, strength = 1) {
      const at = clamp(tl.snap ? snapped(time, tl.clip.fps) : Math.round(time * 1000) / 1000, 0, lastTime());
      const there = occupant(edits.now.onsets, at, tl.clip);
      if (there) {
        tl.say(`There is an onset at ${spokenTime(there.time_s)} already.`);
        return there.id;
      }
      const onset = withId({ time_s: at, strength: clamp(strength, MIN_STRENGTH, 1) });
      step({ onsets: inOrder([...edits.now.onsets, onset]) });
      tl.say(`Onset added at ${spokenTime(at)}.`);
      return onset.id;
    },

    remove(id) {
      const onset = find(id);
      if (!onset) return;
      const place = edits.now.onsets.indexOf(onset);
      const focused = tl.marks.element(id) === document.activeElement;
      step({ onsets: without(edits.now.onsets, id) });
      tl.say(`Onset at ${spokenTime(onset.time_s)} removed.`);
      const next = edits.now.onsets[Math.min(place, edits.now.onsets.length - 1)];
      if (focused && next) commands.goTo(next.id);
      else if (focused) tl.stage.focus({ preventScroll: true });
    },

    // Moves by pictures; where another onset lies already, past it.
    nudge(id, frames) {
      const onset = find(id);
      let time = onset.time_s;
      let steps = frames;
      do {
        const next = stepped(time, steps, tl.clip, tl.snap);
        if (next === time) return tl.say("The clip ends here.");
        time = next;
        steps = Math.sign(frames);
      } while (occupant(edits.now.onsets, time, tl.clip, id));
      step({ onsets: replaced(edits.now.onsets, id, { time_s: time }) }, `nudge ${id}`);
      view.reveal(time);
      tl.paint();
      film.show(time);
      tl.say(`Onset at ${spokenTime(time)}.`);
    },

    weigh(id, change) {
      const strength = clamp(Math.round((find(id).strength + change) * 100) / 100, MIN_STRENGTH, 1);
      step({ onsets: replaced(edits.now.onsets, id, { strength }) }, `weigh ${id}`);
      tl.say(`Strength ${percent(strength)}.`);
    },

    goTo(id) {
      const onset = find(id);
      if (!onset) return;
      view.reveal(onset.time_s);
      tl.paint();
      tl.marks.focus(id);
    },

    // The onset before or after one, or after the playhead.
    neighbour(id, direction) {
      const { onsets } = edits.now;
      const place = onsets.findIndex((onset) => onset.id === id);
      const time = film.time();
      const next = onsets.findIndex((onset) => onset.time_s > time);
      const after = next < 0 ? onsets.length : next;
      const from = place >= 0 ? place : direction > 0 ? after - 1 : after;
      const target = onsets[from + direction];
      if (target) commands.goTo(target.id);
      else tl.say(onsets.length ? "There is none further on." : "There are no onsets.");
    },

    setThreshold(threshold, key = null) {
      const level = clamp(Math.round(threshold * 100) / 100, 0.01, 1);
      step(commands.atThreshold(level), key);
      tl.say(`Threshold ${level.toFixed(2)}: ${count(edits.now.onsets.length, "onset")}.`);
    },
    atThreshold(level) {
      const { threshold, onsets } = edits.now;
      return { threshold: level, onsets: withIds(repicked(tl.clip.curve, threshold, level, onsets), onsets) };
    },

    // `key`: an event's number, or "selection".
    span: (key) => (key === "selection" ? edits.now.selection : edits.now.events[key]),
    withSpan(key, span) {
      if (key === "selection") return { selection: span };
      return { events: edits.now.events.map((event, i) => (i === Number(key) ? span : event)) };
    },
    nudgeSpan(key, part, frames) {
      const span = movedSpan(commands.span(key), part, frames / tl.clip.fps, tl.clip, tl.snap);
      step(commands.withSpan(key, span), `span ${key} ${part}`);
      tl.say(commands.spanText(span));
    },
    removeSpan(key) {
      const span = commands.span(key);
      if (key === "selection") step({ selection: null });
      else step({ events: edits.now.events.filter((_, i) => i !== Number(key)) });
      tl.stage.focus({ preventScroll: true });
      tl.say(key === "selection" ? "Nothing is selected." : `${span.label} removed.`);
    },
    spanText(span) {
      const end = span.end_s === null ? "the end" : spokenTime(span.end_s);
      return `${span.label ?? "Selected"}: ${spokenTime(span.start_s)} to ${end}.`;
    },

    tap() {
      const id = commands.add(film.time(), 1);
      tl.marks.element(id)?.animate?.([{ opacity: 0.2 }, { opacity: 1 }], 200);
    },
    play: () => film.toggle() || tl.say("There is no clip to play."),
    undo: () => tl.say(edits.undo() ? "Undone." : "There is nothing to undo."),
    redo: () => tl.say(edits.redo() ? "Done again." : "There is nothing to do again."),
    zoom(factor) {
      const time = film.time();
      view.zoom(factor, time >= view.start && time <= view.end ? time : undefined);
      tl.paint();
    },
    in: () => commands.zoom(1.6),
    out: () => commands.zoom(1 / 1.6),
    fit() {
      view.fit();
      tl.paint();
    },
    snap: () => tl.setMode("snap", !tl.snap),
    select: () => tl.setMode("selecting", !tl.selecting),
    // Other readings of the onsets; each is a step that can be undone.
    everySecond: () => choose(everySecond(edits.now.onsets)),
    otherPhase() {
      const found = otherPhase(edits.now.onsets, tl.clip.curve);
      choose(tl.snap ? found.map((onset) => ({ ...onset, time_s: snapped(onset.time_s, tl.clip.fps) })) : found);
    },
    strongest() {
      const number = Number(tl.number.value);
      if (!Number.isInteger(number) || number < 1) return tl.say("Write how many onsets to keep: 1 or more.");
      choose(strongestOf(edits.now.onsets, number));
    },
    reset() {
      const { detected, detected_threshold: threshold } = tl.clip;
      step({ onsets: withIds(detected, edits.now.onsets), threshold: threshold ?? edits.now.threshold });
      tl.say(`Back to what was detected: ${count(detected.length, "onset")}.`);
    },
  };

  function choose(onsets) {
    if (!edits.now.onsets.length) return tl.say("There are no onsets to choose from.");
    step({ onsets: withIds(onsets, edits.now.onsets) });
    tl.say(`${count(onsets.length, "onset")}; Undo brings the others back.`);
  }

  function lastTime() {
    return tl.snap ? frameTime(lastFrame(tl.clip), tl.clip.fps) : tl.clip.duration_s;
  }
  return commands;
}

function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
