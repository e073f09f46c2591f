export type { FileOwners, FilePlace, GuardedFilesContext, HlsFiles, PlaceKind } from './context.ts';
export { GuardedFiles } from './guarded-files.ts';
