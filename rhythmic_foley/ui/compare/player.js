// Several sounds of one length run at once and one of them is heard, in step with a silent video. The sound's clock
// leads: a gap in the sound is heard, while a picture that runs a little faster for a moment is not seen.

const LEAD_S = 0.03; // between asking for a sound and its start, so that all start together
const FADE_S = 0.01; // of a swap: no click, no gap
const APART_S = 0.03; // picture and sound may be this far apart before the picture's speed changes
const TOGETHER_S = 0.01; // until they are this near again
const JUMP_S = 0.3; // further apart than this the picture jumps instead
const JUMP_PAUSE_MS = 1000;

class TrackPlayer {
  constructor(video, trouble) {
    this.video = video;
    this.trouble = trouble;
    this.tracks = [];
    this.heard = 0;
    this.matched = true;
    this.playing = false;
    this.at = 0;
    this.duration = 0;
  }

  // tracks: [{address, gainDb}]. Sounds are fetched at once and decoded on the first gesture.
  load(tracks, duration, picture) {
    this.pause();
    this.at = 0;
    this.duration = duration;
    this.decoded = null;
    this.tracks = tracks.map(({ address, gainDb }) => {
      const bytes = fetch(address).then((answer) => {
        if (!answer.ok) throw new Error(`${answer.status}`);
        return answer.arrayBuffer();
      });
      bytes.catch(() => {}); // said when somebody wants to hear it
      return { gainDb, bytes, buffer: null, gate: null };
    });
    this.picture = Boolean(picture);
    if (picture) this.video.src = picture;
    else this.video.removeAttribute("src");
    this.video.load();
  }

  // Must be called from a gesture, before which browsers allow no sound.
  async prepare() {
    this.context ??= new AudioContext({ latencyHint: "interactive" });
    this.decoded ??= Promise.all(this.tracks.map((track) => this.decode(track)));
    await Promise.all([this.context.resume(), this.decoded]);
  }

  async decode(track) {
    track.buffer = await this.context.decodeAudioData(await track.bytes);
    if (!this.master) {
      this.master = this.context.createGain();
      this.master.connect(this.context.destination);
    }
    track.gate = this.context.createGain();
    track.gate.gain.value = this.level(track);
    track.gate.connect(this.master);
  }

  level(track) {
    if (track !== this.tracks[this.heard]) return 0;
    return this.matched ? 10 ** (track.gainDb / 20) : 1;
  }

  hear(index) {
    this.heard = index;
    this.fade();
  }

  match(matched) {
    this.matched = matched;
    this.fade();
  }

  fade() {
    for (const track of this.tracks) if (track.gate) ramp(track.gate.gain, this.level(track), this.context.currentTime);
  }

  // Seconds by which the ear is behind the audio clock; long with wireless headphones.
  get latency() {
    return Math.min(Math.max(this.context?.outputLatency || 0, 0), 1);
  }

  // Time in the clip that is heard at this moment.
  get position() {
    if (!this.started) return this.at;
    const gone = this.context.currentTime - this.latency - this.started.when;
    return Math.min(Math.max(this.started.from + gone, this.started.from), this.duration);
  }

  async play() {
    if (this.playing) return;
    this.playing = true;
    const tracks = this.tracks;
    try {
      await this.prepare();
    } catch {
      this.playing = false;
      this.decoded = null;
      this.trouble("One of the sounds could not be loaded. Please reload the page or choose it again.");
      return;
    }
    if (!this.playing || tracks !== this.tracks) return; // paused, or something else loaded meanwhile
    this.start(this.at >= this.duration - 0.01 ? 0 : this.at);
  }

  start(from) {
    const when = this.context.currentTime + LEAD_S;
    this.at = from;
    this.started = { when, from };
    this.sources = this.tracks.map((track) => {
      const source = this.context.createBufferSource();
      source.buffer = track.buffer;
      source.connect(track.gate);
      source.start(when, from);
      return source;
    });
    this.master.gain.cancelScheduledValues(0);
    this.master.gain.setValueAtTime(0, when);
    this.master.gain.linearRampToValueAtTime(1, when + FADE_S / 2);
    if (!this.picture) return;
    this.video.currentTime = from;
    this.video.playbackRate = 1;
    this.waiting = setTimeout(() => this.video.play().catch(() => {}), 1000 * (LEAD_S + this.latency));
  }

  stop() {
    clearTimeout(this.waiting);
    if (!this.started) return;
    this.at = this.position;
    this.started = null;
    const now = this.context.currentTime;
    ramp(this.master.gain, 0, now);
    for (const source of this.sources) source.stop(now + 1.5 * FADE_S);
  }

  pause() {
    this.playing = false;
    this.stop();
    this.video.pause();
    if (this.picture) this.video.currentTime = this.at;
  }

  seek(to) {
    this.stop();
    this.at = Math.min(Math.max(to, 0), this.duration);
    if (this.playing && this.context) this.start(this.at);
    else if (this.picture) this.video.currentTime = this.at;
  }

  // Keep the picture in step; called for each frame.
  follow() {
    const { video } = this;
    if (!this.started || !this.picture || video.seeking || video.paused || video.ended || video.readyState < 2) return;
    const apart = this.position - video.currentTime;
    if (Math.abs(apart) > JUMP_S) {
      if (performance.now() - (this.jumped ?? -Infinity) < JUMP_PAUSE_MS || this.position > video.duration) return;
      this.jumped = performance.now();
      video.currentTime = this.position;
    } else if (Math.abs(apart) > APART_S) {
      video.playbackRate = 1 + Math.min(Math.max(2 * apart, -0.25), 0.25);
    } else if (Math.abs(apart) < TOGETHER_S && video.playbackRate !== 1) {
      video.playbackRate = 1;
    }
  }

  close() {
    this.pause();
    this.context?.close();
    this.context = this.master = this.decoded = null;
  }
}

function ramp(param, target, now) {
  const value = param.value;
  param.cancelScheduledValues(0);
  param.setValueAtTime(value, now);
  param.linearRampToValueAtTime(target, now + FADE_S);
}
