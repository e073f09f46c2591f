/** Changes by the API, which go over the configuration file and last. */
export {
  ConfigEditError,
  type ConfigEditErrorCode,
  type ConfigEditView,
  ConfigFile,
  type ConfigFileOptions,
  type EditRequest,
  type PreparedEdit,
  type RollbackRequest,
} from './config-file.ts';
export type { EditAuthor } from './edit.ts';
export { OverlayWriteError, type PreparedFile } from './overlay-file.ts';
export { SettingError, type SettingErrorCode, type SettingValue } from './settings.ts';
