export type {
  ApiClient,
  ApiDvr,
  ApiDvrRequest,
  ApiEnded,
  ApiFeatures,
  ApiMeminfos,
  ApiRusages,
  ApiSelfProcStats,
  ApiStream,
  ApiSummaries,
  ApiSystemProcStats,
  ApiVersions,
  ApiVhost,
} from '../api/index.ts';
export { type ApiPage, SluiceApi, type SluiceApiOptions } from './client.ts';
export { ApiError, type ApiErrorCode } from './errors.ts';
