/** How many files may be open for clients: each has a descriptor besides that of its connection. */
export interface FilePlaces {
  /** Whether a file may be opened; true is given back by one `releaseFile`. */
  takeFile(): boolean;
  releaseFile(): void;
  /** Whether a file that was opened may stay open. */
  fitsFile(descriptor: number): boolean;
}

/** There is a place for each file. */
export const UNLIMITED_FILE_PLACES: FilePlaces = {
  takeFile: () => true,
  releaseFile: () => {},
  fitsFile: () => true,
};
