/** The least level that is shown, dB. */
const FLOOR_DB = -60;

/** How loud a media element is now, as a bar. Browsers that cannot listen to an element show none. */
export class AudioLevel {
  #media;
  #bar;
  #context = null;
  #source = null;
  #frame = 0;

  /**
   * @param {HTMLMediaElement} media
   * @param {HTMLElement} bar - `--level` is 0 to 1
   */
  constructor(media, bar) {
    this.#media = media;
    this.#bar = bar;
  }

  start() {
    const capture = this.#media.captureStream ?? this.#media.mozCaptureStream;
    if (this.#source !== null || capture === undefined) {
      return;
    }
    // Of a copy of the sound: what is heard does not depend on it.
    const stream = capture.call(this.#media);
    if (stream.getAudioTracks().length === 0) {
      return;
    }
    this.#context ??= new AudioContext();
    this.#context.resume().catch(() => undefined);
    const analyser = this.#context.createAnalyser();
    analyser.fftSize = 1024;
    this.#source = this.#context.createMediaStreamSource(stream);
    this.#source.connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.#bar.hidden = false;
    const draw = () => {
      analyser.getFloatTimeDomainData(samples);
      this.#bar.style.setProperty('--level', levelOf(samples).toFixed(3));
      this.#frame = requestAnimationFrame(draw);
    };
    draw();
  }

  stop() {
    cancelAnimationFrame(this.#frame);
    this.#source?.disconnect();
    this.#source = null;
    this.#bar.hidden = true;
  }
}

/** The mean power on a scale of decibels, 0 to 1. */
function levelOf(samples) {
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
  const decibels = 10 * Math.log10(power + 1e-12);
  return Math.min(1, Math.max(0, 1 - decibels / FLOOR_DB));
}
