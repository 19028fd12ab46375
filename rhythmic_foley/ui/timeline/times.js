// Times as people read and type them; the grammar is that of Onsets.parse.

const ONSET_TEXT = /^(?:(\d+):)?(\d*\.?\d+|\d+\.)s?(?:@(\d*\.?\d+))?$/;

// Onsets from text such as "0.5, 1.25@0.8, 1:02.5"; throws a sentence.
function parseTimes(text, durationS) {
  const found = new Map();
  for (const piece of text.split(/[\s,;]+/).filter(Boolean)) {
    const match = ONSET_TEXT.exec(piece);
    if (!match) throw new Error(`"${piece}" is not a time in seconds; write onsets like 0.5, 1.25, 2.`);
    const time = 60 * Number(match[1] ?? 0) + Number(match[2]);
    const strength = match[3] === undefined ? 1 : Number(match[3]);
    if (time > durationS) throw new Error(`${piece} lies behind the end of the clip (${shortNumber(durationS)} s).`);
    if (strength > 1) throw new Error(`The strength in ${piece} must lie between 0 and 1.`);
    found.set(time, Math.max(strength, found.get(time) ?? 0));
  }
  return inOrder([...found].map(([time_s, strength]) => ({ time_s, strength })));
}

function formatTimes(onsets) {
  return onsets
    .map(({ time_s, strength }) => {
      const level = shortNumber(Math.round(strength * 100) / 100);
      return shortNumber(time_s) + (level === "1" ? "" : `@${level}`);
    })
    .join(", ");
}

function shortNumber(number) {
  return String(Number(number.toFixed(3)));
}

// "0:04.250"; with fewer digits where the eye only wants to find its way.
function clockText(time, digits = 3) {
  const minutes = Math.floor(time / 60 + 1e-9);
  const seconds = Math.max(0, time - 60 * minutes).toFixed(digits);
  return `${minutes}:${seconds.padStart(digits ? digits + 3 : 2, "0")}`;
}

function spokenTime(time) {
  const minutes = Math.floor(time / 60);
  const seconds = shortNumber(time - 60 * minutes);
  return minutes ? `${minutes} min ${seconds} s` : `${seconds} s`;
}

function percent(share) {
  return `${Math.round(100 * share)} %`;
}
