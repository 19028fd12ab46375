// The keyboard alone does everything that the pointer does.

function createKeys(tl) {
  const { root, commands, edits, film, view } = tl;
  const WEIGHT = 0.05;

  function onsetKeys(id, event) {
    const frames = event.shiftKey ? 5 : 1;
    const act = {
      ArrowLeft: () => commands.nudge(id, -frames),
      ArrowRight: () => commands.nudge(id, frames),
      ArrowUp: () => commands.weigh(id, WEIGHT),
      ArrowDown: () => commands.weigh(id, -WEIGHT),
      Delete: () => commands.remove(id),
      Backspace: () => commands.remove(id),
      Enter: () => film.playFrom(edits.now.onsets.find((onset) => onset.id === id).time_s),
      ContextMenu: () => tl.openMenu(id),
    };
    return act[event.key];
  }

  function spanKeys({ span: key, part = "body" }, event) {
    const frames = event.shiftKey ? 5 : 1;
    const act = {
      ArrowLeft: () => commands.nudgeSpan(key, part, -frames),
      ArrowRight: () => commands.nudgeSpan(key, part, frames),
      Delete: () => commands.removeSpan(key),
      Backspace: () => commands.removeSpan(key),
      Enter: () => film.playFrom(commands.span(key).start_s),
    };
    return act[event.key];
  }

  function thresholdKeys(event) {
    const move = (change) => () => commands.setThreshold(edits.now.threshold + change, "threshold");
    const by = event.shiftKey ? 0.05 : 0.01;
    const act = {
      ArrowUp: move(by),
      ArrowRight: move(by),
      ArrowDown: move(-by),
      ArrowLeft: move(-by),
      PageUp: move(0.1),
      PageDown: move(-0.1),
      Home: move(-1),
      End: move(1),
    };
    return act[event.key];
  }

  function stageKeys(event) {
    const seek = (frames) => () => {
      const time = stepped(film.time(), frames, tl.clip, true);
      view.reveal(time);
      tl.paint();
      film.seek(time + 0.001);
      tl.say(`${spokenTime(time)}.`);
    };
    const frames = event.shiftKey ? 5 : 1;
    const act = {
      ArrowLeft: seek(-frames),
      ArrowRight: seek(frames),
      Home: () => film.seek(0),
      End: () => film.seek(tl.clip.duration_s),
      Enter: () => commands.goTo(commands.add(film.time())),
      Escape: () => edits.now.selection && commands.removeSpan("selection"),
    };
    return act[event.key];
  }

  function generalKeys(event, id) {
    const act = {
      " ": commands.play,
      a: () => commands.goTo(commands.add(film.time())),
      t: commands.tap,
      ",": () => commands.neighbour(id, -1),
      ".": () => commands.neighbour(id, 1),
      "+": commands.in,
      "=": commands.in,
      "-": commands.out,
      0: commands.fit,
    };
    return act[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  }

  function historyKeys(event) {
    const act = { z: event.shiftKey ? commands.redo : commands.undo, y: commands.redo };
    return act[event.key.toLowerCase()];
  }

  function actionFor(event) {
    const target = event.target;
    const id = Number(target.closest?.("[data-onset]")?.dataset.onset) || null;
    if (event.ctrlKey || event.metaKey) return historyKeys(event);
    if (event.altKey && !["ArrowUp", "ArrowDown"].includes(event.key)) return null;
    const span = target.closest?.("[data-span]");
    const special =
      (id && onsetKeys(id, event)) ||
      (span && spanKeys(span.dataset, event)) ||
      (target === tl.threshold && thresholdKeys(event)) ||
      (target === tl.stage && stageKeys(event));
    // Space and Enter press a button that has the focus, whatever else they mean.
    const pressed = target.closest?.("button, summary") && [" ", "Enter"].includes(event.key);
    return special || (pressed ? null : generalKeys(event, id));
  }

  function editable(target) {
    const typed = "input:not([type=range], [type=checkbox], [type=radio]), textarea, select";
    return target.isContentEditable || target.closest?.(typed);
  }

  root.addEventListener("keydown", (event) => {
    if (!tl.clip || editable(event.target) || event.target.closest(".tl-menu")) return;
    const act = actionFor(event);
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  });

  // Tapping along must not depend on where the focus is: people have just pressed the video's own play button.
  return function tapAlong(event) {
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.repeat;
    if (!plain || event.key.toLowerCase() !== "t" || !tl.clip || !film.playing()) return;
    if (root.contains(event.target) || editable(event.target)) return;
    event.preventDefault();
    commands.tap();
  };
}
