/** An event on its way to one URL. */
export interface Delivery {
  readonly url: string;
  /** Events of one URL and one lane are delivered in the order in which they were told. */
  readonly lane: string;
  /** The name of the event. */
  readonly action: string;
  /** The JSON that is posted. */
  readonly body: string;
  /** The time limit of one try, ms. */
  readonly timeoutMs: number;
  /** Called once: it has been tried, or can't be tried now. What comes after it in another place need not wait. */
  readonly onTried?: () => void;
}
