/** Added to the name of a file that is being written. */
export const TEMPORARY_SUFFIX = '.tmp';
