// Onsets as peaks of the curve: the rule of motion.pick_onsets, so that the threshold moves without asking the server.

const MIN_GAP_S = 0.1;
const SAME_S = 0.0015;

function pickOnsets(curve, threshold, minGapS = MIN_GAP_S) {
  const { times_s: times, values } = curve;
  const found = [];
  for (let i = 1; i < values.length - 1; i++) {
    const value = values[i];
    if (value >= threshold && value > 0 && value > values[i - 1] && value >= values[i + 1]) {
      found.push({ time_s: Math.max(0, vertexS(times, values, i)), strength: value });
    }
  }
  return thinned(found, minGapS);
}

// Top of the parabola through three points, which need not be evenly spaced.
function vertexS(times, values, i) {
  const left = times[i] - times[i - 1];
  const right = times[i + 1] - times[i];
  const rise = values[i] - values[i - 1];
  const fall = values[i] - values[i + 1];
  const curvature = rise * right + fall * left;
  if (curvature <= 0) return times[i];
  const shift = (rise * right * right - fall * left * left) / (2 * curvature);
  return times[i] + clamp(shift, -left / 2, right / 2);
}

// No two closer than the gap; the stronger, then the earlier, stays. Buckets as wide as the gap keep this fast.
function thinned(onsets, minGapS) {
  const kept = new Map();
  const order = [...onsets].sort((a, b) => b.strength - a.strength || a.time_s - b.time_s);
  for (const onset of order) {
    const bucket = Math.floor(onset.time_s / minGapS);
    const near = [bucket - 1, bucket, bucket + 1].flatMap((number) => kept.get(number) ?? []);
    if (near.some((other) => Math.abs(other.time_s - onset.time_s) < minGapS)) continue;
    kept.set(bucket, [...(kept.get(bucket) ?? []), onset]);
  }
  return inOrder([...kept.values()].flat());
}

// What a person added, moved or weighed stays when the threshold moves, and what they deleted stays away.
function repicked(curve, before, after, onsets) {
  const picks = pickOnsets(curve, after);
  const earlier = pickOnsets(curve, before);
  if (!onsets.length) return picks;
  const isPick = matcher(earlier);
  const own = onsets.filter((onset) => {
    const pick = isPick(onset.time_s);
    return !pick || Math.abs(pick.strength - onset.strength) > 0.005;
  });
  const isThere = matcher(onsets);
  const isAway = matcher(earlier.filter((pick) => !isThere(pick.time_s)));
  const free = picks.filter(
    (pick) => !isAway(pick.time_s) && !own.some((onset) => Math.abs(onset.time_s - pick.time_s) < MIN_GAP_S),
  );
  return inOrder([...own, ...free]);
}

// A function that finds the onset at a time.
function matcher(onsets) {
  const known = new Map();
  for (const onset of onsets) known.set(Math.round(onset.time_s / SAME_S), onset);
  return (time) => {
    const slot = Math.round(time / SAME_S);
    return known.get(slot) ?? known.get(slot - 1) ?? known.get(slot + 1);
  };
}

function inOrder(onsets) {
  return onsets.sort((a, b) => a.time_s - b.time_s);
}

function clamp(number, low, high) {
  return Math.min(Math.max(number, low), high);
}
