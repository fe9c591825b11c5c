/** Items and rows as JSON, for databases that live no longer than their process: big integers are in keys ending in `Ns` and `Bytes` only. */
export function pack(value: object): string {
  return JSON.stringify(value, (_key, field: unknown) => (typeof field === 'bigint' ? field.toString() : field))
}

export function unpack<T>(text: string): T {
  return JSON.parse(text, (key, field: unknown) =>
    typeof field === 'string' && (key.endsWith('Ns') || key.endsWith('Bytes')) ? BigInt(field) : field,
  ) as T
}
