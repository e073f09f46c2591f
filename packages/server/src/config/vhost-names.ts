/** The vhost that takes every host that has none of its own (R034). */
export const DEFAULT_VHOST = '__defaultVhost__';
