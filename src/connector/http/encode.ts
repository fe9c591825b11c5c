/** A segment of a path as it stands in a request: everything escaped but what is unreserved (RFC 3986). */
export function encodeSegment(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}
