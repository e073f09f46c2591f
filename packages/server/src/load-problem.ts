/** Modules are loaded many at a time; with so many descriptors they always are. */
const ENOUGH_TO_LOAD = 1024;

/** What keeps the program itself from being loaded, in one line; undefined where it is an error of the program. */
export function loadProblem(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  if (error.code !== 'EMFILE' && error.code !== 'ENFILE') return undefined;
  const whose = error.code === 'EMFILE' ? 'of this process' : 'of the whole system (fs.file-max)';
  return (
    `the program cannot be loaded, the limit of open files ${whose} is too low: ` +
    `raise it with "ulimit -n ${ENOUGH_TO_LOAD}" (systemd: LimitNOFILE)`
  );
}
