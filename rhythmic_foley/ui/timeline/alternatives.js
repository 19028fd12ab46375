// Other readings of the same onsets: the rules of values/alternatives.py.

const PAUSE = 1.5;
const [NEAR, FAR] = [0.25, 0.75];

// Every second onset; of the two ways to count the one whose strengths add up to more.
function everySecond(onsets) {
  const half = (offset) => onsets.filter((_, i) => i % 2 === offset);
  const sum = (some) => some.reduce((total, onset) => total + onset.strength, 0);
  return sum(half(1)) > sum(half(0)) ? half(1) : half(0);
}

// The strongest ones in time order; of equal ones the earlier.
function strongestOf(onsets, number) {
  const order = [...onsets].sort((a, b) => b.strength - a.strength || a.time_s - b.time_s);
  return inOrder(order.slice(0, number));
}

// The other turning point after each onset: the highest peak in the middle half of the gap, or the gap's middle.
function otherPhase(onsets, curve) {
  if (!onsets.length) return [];
  const peaks = pickOnsets(curve, 0);
  const gaps = onsets.slice(1).map((onset, i) => onset.time_s - onsets[i].time_s);
  const usual = gaps.length ? median(gaps) : 1;
  const end = curve.times_s.length ? curve.times_s[curve.times_s.length - 1] : Infinity;
  const found = onsets.map(({ time_s, strength }, i) => {
    const gap = i < gaps.length && gaps[i] <= PAUSE * usual ? gaps[i] : usual;
    return { time_s: turningS(peaks, time_s, gap) ?? time_s + gap / 2, strength };
  });
  const first = turningS(peaks, onsets[0].time_s - usual, usual);
  if (first !== null) found.push({ time_s: first, strength: onsets[0].strength });
  return inOrder(found.filter(({ time_s }) => time_s >= 0 && time_s <= end));
}

function turningS(peaks, start, gap) {
  const inside = peaks.filter(({ time_s }) => time_s >= start + NEAR * gap && time_s <= start + FAR * gap);
  if (!inside.length) return null;
  return inside.reduce((best, peak) => (peak.strength > best.strength ? peak : best)).time_s;
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 ? sorted[Math.floor(middle)] : (sorted[middle - 1] + sorted[middle]) / 2;
}
