import { bandcheckSection, referSection, securitySection, tokenSection } from './access.ts';
import { httpApiSection } from './http.ts';
import { httpHooksSection } from './relay.ts';
import type { Fields, Section } from './section.ts';

/** The blocks that decide who gets in: their defaults let everybody in. */
export const guardSections: ReadonlySet<Section<Fields> | undefined> = new Set([
  bandcheckSection,
  httpApiSection.fields.auth.section,
  httpHooksSection,
  referSection,
  securitySection,
  tokenSection,
]);
