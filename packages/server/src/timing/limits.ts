/** A step forward of a track, ms, up to which nothing else is asked: the usual case. */
export const MAX_STEADY_STEP_MS = 500;
/** A step back of a track, ms, up to which its frames are out of order; more is judged by the other track. */
export const MAX_DISORDER_MS = 500;
/** A step forward of a track, ms, up to which it is a gap whatever else is known; more has to be confirmed. */
export const MAX_GAP_MS = 10_000;
/** A publisher whose first frame is at less, ms, has the zero that it says: another track may begin there. */
export const MAX_OWN_START_MS = 100;
/** How far the tracks of one clock may be apart on the wire, ms. */
export const MAX_SKEW_MS = 15_000;
/** Tracks are so far apart on the wire in any stream, ms: nothing waits for the one behind. */
export const USUAL_SKEW_MS = 100;
/** The step, ms, that a jump is replaced by (P016). */
export const JUMP_STEP_MS = 40;
/** A track whose times stay behind its own past for longer, ms of arrival, was not late: its clock was set back. */
export const MAX_HOLD_MS = 2_000;
/** A second jump within so long, ms of arrival, makes a track go by arrival until its clock is steady again. */
export const UNSTEADY_MS = 1_000;
/** A time that is repeated for so long, ms of arrival, is a clock that stands still. */
export const STANDSTILL_MS = 1_000;
/** After so much media time, ms, it is noted anew when a track's frames arrive. */
export const ARRIVAL_CHECK_MS = 60_000;
