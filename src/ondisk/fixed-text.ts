/** Text in a field of fixed length, padded with NUL bytes. */
const DECODER = new TextDecoder("utf-8");
const ENCODER = new TextEncoder();

export function readFixedText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return DECODER.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** Bytes beyond the field are cut off. */
export function writeFixedText(text: string, fieldBytes: number): Uint8Array {
  const field = new Uint8Array(fieldBytes);
  field.set(ENCODER.encode(text).subarray(0, fieldBytes));
  return field;
}
