/** The oldest Node that the server runs on. */
const OLDEST = { major: 20, minor: 19 };

/** What is wrong with a version of Node, such as `18.20.8`; undefined for one that will do. */
export function nodeVersionProblem(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > OLDEST.major || (major === OLDEST.major && minor >= OLDEST.minor)) return undefined;
  return `Sluice needs Node ${OLDEST.major}.${OLDEST.minor} or newer; this is ${version}`;
}
