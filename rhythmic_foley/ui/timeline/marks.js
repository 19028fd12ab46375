// What takes the focus are elements: marks of onsets, sounds, the threshold, the selection. Only those in view exist,
// and of a crowd that is merely painted only the mark that Tab leads to.

const SPAN_PARTS = ["start", "end"];

function node(tag, className, attributes = {}) {
  const made = document.createElement(tag);
  made.className = className;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

// Sets only what differs: hundreds of marks are touched while the view moves.
function describe(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
  }
}

function createMarks(lane, repaint) {
  const shown = new Map();
  let current = null; // the one that Tab leads to

  function make(onset) {
    const element = node("div", "tl-mark", { role: "slider", tabindex: "-1", "aria-orientation": "horizontal" });
    element.dataset.onset = onset.id;
    element.append(node("i", "tl-head"));
    lane.append(element);
    return element;
  }

  function say(element, onset, clip, isPick) {
    if (element.onset === onset && element.isPick === isPick) return;
    element.onset = onset;
    element.isPick = isPick;
    const frame = Math.floor(onset.time_s * clip.fps + 1e-3);
    describe(element, {
      "aria-label": "Onset",
      "aria-valuemin": 0,
      "aria-valuemax": clip.duration_s,
      "aria-valuenow": shortNumber(onset.time_s),
      "aria-valuetext": `${spokenTime(onset.time_s)}, strength ${percent(onset.strength)}`,
      "data-time": shortNumber(onset.time_s),
      "data-strength": shortNumber(onset.strength),
      title: `${spokenTime(onset.time_s)} (picture ${frame}), strength ${percent(onset.strength)}`,
    });
    element.style.setProperty("--level", `${levelPx(onset.strength)}px`);
    element.classList.toggle("tl-own", !isPick);
  }

  return {
    update(view, clip, onsets, picks) {
      const isPick = matcher(picks);
      const dense = crowded(view, onsets);
      lane.classList.toggle("tl-dense", dense);
      const margin = 24 / view.scale();
      const left = new Set(shown.keys());
      const isNear = ({ time_s: time }) => time >= view.start - margin && time <= view.end + margin;
      if (!onsets.some((onset) => onset.id === current)) current = onsets.find(isNear)?.id;
      for (const onset of onsets) {
        // The focused mark lives on out of view, or the keyboard would lose its place.
        const needed = onset.id === current || shown.get(onset.id) === document.activeElement;
        if (!needed && (dense || !isNear(onset))) continue;
        if (!shown.has(onset.id)) shown.set(onset.id, make(onset));
        left.delete(onset.id);
        const element = shown.get(onset.id);
        say(element, onset, clip, Boolean(isPick(onset.time_s)));
        element.style.transform = `translateX(${view.x(onset.time_s).toFixed(2)}px)`;
      }
      for (const id of left) {
        shown.get(id).remove();
        shown.delete(id);
      }
      for (const [id, element] of shown) describe(element, { tabindex: id === current ? 0 : -1 });
    },
    focus(id) {
      current = id;
      if (!shown.has(id)) repaint();
      for (const [other, element] of shown) element.tabIndex = other === id ? 0 : -1;
      shown.get(id)?.focus({ preventScroll: true });
    },
    element: (id) => shown.get(id),
  };
}

// A stretch of time that can be moved as a whole and by its ends; each of the three takes the focus.
function createSpan(lane, className, key) {
  const slider = { role: "slider", tabindex: "0", "aria-orientation": "horizontal" };
  const body = node("div", `tl-span ${className}`, slider);
  body.dataset.span = key;
  const text = node("span", "tl-name");
  body.append(text);
  const edges = SPAN_PARTS.map((part) => {
    const edge = node("div", `tl-edge tl-${part}`, slider);
    edge.dataset.span = key;
    edge.dataset.part = part;
    body.append(edge);
    return edge;
  });
  lane.append(body);
  return {
    body,
    remove: () => body.remove(),
    update(view, clip, span, name, row = 0) {
      const end = span.end_s ?? clip.duration_s;
      const ends = [span.start_s, end];
      const [x0, x1] = ends.map((time) => clamp(view.x(time), -40, view.width + 40));
      body.style.transform = `translate(${x0.toFixed(2)}px, ${row * ROW_PX}px)`;
      body.style.width = `${Math.max(6, x1 - x0).toFixed(2)}px`;
      // The name stays readable while its beginning is out of view.
      text.style.marginInlineStart = `${Math.max(0, -x0)}px`;
      text.textContent = name;
      const range = `${spokenTime(span.start_s)} to ${span.end_s === null ? "the end" : spokenTime(end)}`;
      const limits = { "aria-valuemin": 0, "aria-valuemax": clip.duration_s };
      describe(body, {
        ...limits,
        "aria-label": name || "Selection",
        "aria-valuenow": shortNumber(span.start_s),
        "aria-valuetext": range,
        title: [name, span.detail, range].filter(Boolean).join("\n"),
      });
      edges.forEach((edge, i) =>
        describe(edge, {
          ...limits,
          "aria-label": `${SPAN_PARTS[i] === "start" ? "Start" : "End"} of ${name || "the selection"}`,
          "aria-valuenow": shortNumber(ends[i]),
          "aria-valuetext": i === 1 && span.end_s === null ? "the end of the clip" : spokenTime(ends[i]),
        }),
      );
    },
  };
}

function createSpans(lane) {
  let spans = [];
  return {
    update(view, clip, events) {
      while (spans.length > events.length) spans.pop().remove();
      while (spans.length < events.length) spans.push(createSpan(lane, "tl-event", spans.length));
      const { rows } = eventRows(events, clip.duration_s);
      events.forEach((event, i) => {
        const unsure = event.label === "unknown"; // a describer that is not sure; nobody gets to see the word
        spans[i].update(view, clip, event, unsure ? "?" : event.label, rows[i]);
        spans[i].body.classList.toggle("tl-unknown", unsure);
        spans[i].body.classList.toggle("tl-open", event.end_s === null);
      });
    },
  };
}
