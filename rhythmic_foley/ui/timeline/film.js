// The page's video: played, sought and followed. It is looked up at each use, because the page may replace it.

function createFilm({ videoId, element, onTime, onPlaying }) {
  let resting = 0; // where the playhead stands while there is no video
  let wanted = null;
  let frame = 0;

  function video() {
    const holder = videoId() && document.getElementById(videoId());
    return holder instanceof HTMLVideoElement ? holder : (holder?.querySelector("video") ?? null);
  }

  function follow() {
    cancelAnimationFrame(frame);
    onTime(film.time());
    if (film.playing() && element.isConnected) frame = requestAnimationFrame(follow);
  }

  // Seeking anew before the last seek has ended would leave the picture standing still during a drag.
  function settle() {
    const shown = video();
    if (wanted === null || !shown || shown.seeking) return;
    shown.currentTime = wanted;
    wanted = null;
  }

  const film = {
    video,
    time: () => wanted ?? video()?.currentTime ?? resting,
    playing: () => {
      const shown = video();
      return Boolean(shown && !shown.paused && !shown.ended);
    },
    seek(time) {
      resting = time;
      if (video()) {
        wanted = time;
        settle();
      }
      onTime(time);
    },
    // The picture at a time, while nothing plays. A hair later, so that the frame that begins then is the one shown.
    show(time) {
      if (!film.playing()) film.seek(time + 0.001);
    },
    toggle() {
      const shown = video();
      if (!shown) return false;
      if (shown.paused) shown.play().catch(() => {});
      else shown.pause();
      return true;
    },
    playFrom(time) {
      film.seek(time);
      video()?.play().catch(() => {});
    },
    // Media events do not bubble but can be caught on their way down, whichever element the video is now.
    listen(signal) {
      const heard = (event) => {
        if (event.target !== video()) return;
        if (event.type === "seeked") settle();
        if (event.type === "emptied") wanted = null;
        onPlaying(film.playing());
        follow();
      };
      for (const name of ["play", "playing", "pause", "ended", "seeking", "seeked", "timeupdate", "emptied"]) {
        document.addEventListener(name, heard, { capture: true, signal });
      }
    },
  };
  return film;
}
