// One sound at a time; a click on a mel picture plays from there, and a line shows where the sound is.
const figures = [...document.querySelectorAll("figure[data-seconds]")];
for (const figure of figures) {
  const audio = figure.querySelector("audio");
  const mel = figure.querySelector(".mel");
  const line = mel.querySelector("u");
  const seconds = Number(figure.dataset.seconds);
  const draw = () => {
    line.style.left = `${Math.min(100, (100 * audio.currentTime) / seconds)}%`;
    if (!audio.paused) requestAnimationFrame(draw);
  };
  audio.addEventListener("play", () => {
    for (const other of figures) if (other !== figure) other.querySelector("audio").pause();
    figure.classList.add("playing");
    draw();
  });
  audio.addEventListener("seeked", draw);
  audio.addEventListener("ended", () => figure.classList.remove("playing"));
  mel.addEventListener("click", (event) => {
    const box = mel.getBoundingClientRect();
    audio.currentTime = ((event.clientX - box.left) / box.width) * seconds;
    audio.play();
  });
}
