export type {
  ApiChange,
  ApiChangeResult,
  ApiClient,
  ApiDvr,
  ApiDvrRequest,
  ApiEnded,
  ApiFeatures,
  ApiMeminfos,
  ApiRusages,
  ApiSelfProcStats,
  ApiSettings,
  ApiStream,
  ApiSummaries,
  ApiSystemProcStats,
  ApiVersions,
  ApiVhost,
} from '../api/index.ts';
export {
  type ApiChangeOptions,
  type ApiPage,
  type ApiStreamPage,
  SluiceApi,
  type SluiceApiOptions,
} from './client.ts';
export { ApiError, type ApiErrorCode } from './errors.ts';
