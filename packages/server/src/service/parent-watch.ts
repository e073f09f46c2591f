/** How often the parent is looked for, ms. */
const CHECK_INTERVAL_MS = 500;

/** What {@link watchParent} needs. */
export interface ParentWatchOptions {
  /** Called once, when the parent is another one: the one that started us is gone. */
  readonly onGone: (parent: number) => void;
  /** Default: of the process. */
  readonly parentPid?: () => number;
}

/**
 * `asprocess on` (C007): tells when the process that started this one has gone. Call it early: only a parent that is
 * still there can be missed.
 *
 * @returns ends the watch
 */
export function watchParent({ onGone, parentPid = () => process.ppid }: ParentWatchOptions): () => void {
  const parent = parentPid();
  const timer = setInterval(() => {
    if (parentPid() === parent) return;
    clearInterval(timer);
    onGone(parent);
  }, CHECK_INTERVAL_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}
