// Times as people read and type them; the grammar is that of Onsets.parse.

const ONSET_TEXT = /^(?:(\d{1,6}):)?(\d*\.?\d+|\d+\.)s?(?:@(\d*\.?\d+|\d+\.))?$/;
const SEPARATOR = /\s*[;\n]\s*|\s*,\s+|\s+,\s*|\s+|^,|,$/;
const DECIMAL_COMMA = /^(?:\d+:)?\d*,\d+s?(?:@\d+(?:,\d+)?)?$/;

// The times of a list, each with a decimal point; the rules are those of split_times in values/typed_lists.py.
function splitTimes(text) {
  const pieces = text.trim().split(SEPARATOR).map((piece) => piece.replace(/^,+|,+$/g, "")).filter(Boolean);
  const withComma = pieces.filter((piece) => piece.includes(","));
  const unclear = withComma.find((piece) => !piece.includes("."));
  const apart = () => pieces.flatMap((piece) => piece.split(",")).filter(Boolean);
  if (unclear === undefined) return apart();
  const allDecimal = !pieces.some((piece) => piece.includes(".")) && withComma.every((piece) => DECIMAL_COMMA.test(piece));
  if (allDecimal && (withComma.length > 1 || text.includes(";"))) return pieces.map((piece) => piece.replaceAll(",", "."));
  if (pieces.length === 1 && ascendingIntegers(pieces[0])) return apart();
  if (!/^[\d:,@s]+$/.test(unclear)) return apart(); // whatever it is, it is no time
  throw new Error(
    `The comma in "${unclear}" may separate two times or stand for a decimal point; write times like 0.5, 1.25, 2.`,
  );
}

function ascendingIntegers(piece) {
  const parts = piece.split(",");
  if (parts.length < 3 || !parts.every((part) => /^\d{1,6}$/.test(part))) return false;
  return parts.every((part, i) => i === 0 || Number(parts[i - 1]) < Number(part));
}

// Onsets from text such as "0.5, 1.25@0.8, 1:02.5"; throws a sentence.
function parseTimes(text, durationS) {
  const found = new Map();
  for (const piece of splitTimes(text)) {
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
