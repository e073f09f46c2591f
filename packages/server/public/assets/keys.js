const SEEK_SECONDS = 5;
const VOLUME_STEP = 0.05;

/**
 * The keys that people know from other players: space and k pause, m mutes, f fills the screen, arrows seek and change
 * the volume. What has the focus and needs a key itself keeps it.
 *
 * @param {import('./player.js').LivePlayer} player
 * @param {HTMLVideoElement} video
 * @param {HTMLElement} screen - what fills the screen
 */
export function listenToKeys(player, video, screen) {
  document.addEventListener(
    'keydown',
    (event) => {
      const { target } = event;
      const own = target === video || target === screen || target === document.body;
      const typing = target instanceof HTMLInputElement && !['radio', 'checkbox'].includes(target.type);
      if (event.ctrlKey || event.metaKey || event.altKey || typing || player.state !== 'playing') {
        return;
      }
      // Letters do nothing elsewhere; space and arrows do.
      const isLetter = /^[a-z]$/i.test(event.key);
      if ((own || isLetter) && actOn(event.key.toLowerCase(), video, screen)) {
        event.preventDefault();
        // The controls of the browser would do it again.
        event.stopPropagation();
      }
    },
    { capture: true },
  );
}

function actOn(key, video, screen) {
  switch (key) {
    case ' ':
    case 'k':
      if (video.paused) {
        video.play().catch(() => undefined);
      } else {
        video.pause();
      }
      return true;
    case 'm':
      video.muted = !video.muted;
      return true;
    case 'f':
      (document.fullscreenElement === null ? screen.requestFullscreen?.() : document.exitFullscreen())?.catch(
        () => undefined,
      );
      return true;
    case 'arrowleft':
      seek(video, -SEEK_SECONDS);
      return true;
    case 'arrowright':
      seek(video, SEEK_SECONDS);
      return true;
    case 'arrowup':
      video.volume = Math.min(1, video.volume + VOLUME_STEP);
      return true;
    case 'arrowdown':
      video.volume = Math.max(0, video.volume - VOLUME_STEP);
      return true;
    default:
      return false;
  }
}

/** Within what is there: a live stream has no more. */
function seek(video, seconds) {
  const { buffered, currentTime } = video;
  if (buffered.length > 0) {
    const last = buffered.length - 1;
    const time = Math.min(currentTime + seconds, buffered.end(last) - 0.5);
    video.currentTime = Math.max(buffered.start(0), time);
  }
}
