export type { DvrControl, DvrRefusal, DvrStart, DvrView } from './dvrs.ts';
export { apiRoutes } from './routes.ts';
export type { ApiOptions } from './routes.ts';
export type {
  ApiSource,
  AudioView,
  ClientType,
  ClientView,
  FaultView,
  KbpsView,
  StreamView,
  VideoView,
} from './source.ts';
