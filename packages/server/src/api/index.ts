export type { DvrControl, DvrRefusal, DvrStart, DvrView } from './dvrs.ts';
export { type ApiDenial, guardRoutes } from './guard.ts';
export { apiRoutes } from './routes.ts';
export { TurnBudget } from './turn-budget.ts';
export type { ApiOptions } from './routes.ts';
export type {
  ApiChange,
  ApiChangeResult,
  ApiClient,
  ApiDvr,
  ApiDvrRequest,
  ApiEnded,
  ApiSettings,
  ApiStream,
  ApiVersions,
  ApiVhost,
} from './schemas.ts';
export type {
  ApiControl,
  ApiSource,
  AudioView,
  ClientType,
  ClientView,
  ConfigAnswer,
  ConfigControl,
  EndedView,
  FaultView,
  ReloadResult,
  StreamView,
  TotalsView,
  VhostView,
  VideoView,
} from './source.ts';
export type {
  ApiFeatures,
  ApiMeminfos,
  ApiRusages,
  ApiSelfProcStats,
  ApiSummaries,
  ApiSystemProcStats,
} from './system-schemas.ts';
export { summariesShape } from './system-shapes.ts';
export type { FlushView, KbpsView } from './traffic-views.ts';
export type { SystemView } from './system-view.ts';
