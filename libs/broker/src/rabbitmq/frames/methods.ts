/** AMQP 0-9-1, section 2.3.5: what a frame holds, and the byte that it ends with. */
export const FRAME = { method: 1, header: 2, body: 3, end: 0xce } as const;
/** Type, channel and length before what a frame holds. */
export const FRAME_HEADER_BYTES = 7;
/** With the byte at its end. */
export const FRAME_OVERHEAD = FRAME_HEADER_BYTES + 1;
/** The class of messages, as a frame with the properties of one names it. */
export const BASIC = 60;

const method = (id: number): number => BASIC * 0x1_0000 + id;

/** Class and method, as a frame names them. */
export const METHOD = { publish: method(40), deliver: method(60), ack: method(80), nack: method(120) } as const;
