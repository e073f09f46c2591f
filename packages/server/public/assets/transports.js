/** The choice of ways to play: HTTP-FLV, WebSocket-FLV and HLS, of which a server may have some or none. */
const inputs = [...document.querySelectorAll('input[name=transport]')];

/**
 * Offers the ways that a server has, and chooses the first of them.
 *
 * @param {{flvMount?: string, hlsMount?: string}} server
 * @param {() => void} onChange - another one is chosen
 */
export function offerTransports({ flvMount, hlsMount }, onChange) {
  const offered = inputs.filter(({ value }) => (value === 'hls' ? hlsMount : flvMount) !== undefined);
  for (const input of inputs) {
    input.parentElement.hidden = !offered.includes(input);
    input.checked = input === offered[0];
    input.addEventListener('change', onChange);
  }
  inputs[0].closest('fieldset').hidden = offered.length === 0;
}

/** @returns {'http' | 'websocket' | 'hls' | undefined} undefined where there is none */
export function chosenTransport() {
  return inputs.find(({ checked }) => checked)?.value;
}
