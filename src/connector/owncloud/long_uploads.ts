/** A long upload under way, as the text that a ledger keeps of it. */
export interface LongUpload {
  /** What the server knows it by. */
  address: string
  /** How much goes in one request. */
  partBytes: number
  /** Of the server's path that it is begun for: an upload onto an item that is there, or of something new. */
  onto: boolean
  /** What is known when all is there but the end: that end, in base64, and the SHA-1 of the whole. */
  end?: { tail: string; sha1?: string | undefined }
}

export function textOfUpload({ address, partBytes, onto, end }: LongUpload): string {
  return JSON.stringify([address, partBytes, onto, ...(end ? [end.tail, end.sha1] : [])])
}

export function uploadOf(text: string): LongUpload {
  const [address, partBytes, onto, tail, sha1] = JSON.parse(text) as [
    string,
    number,
    boolean,
    string?,
    (string | null)?,
  ]
  const end = tail === undefined ? undefined : { tail, sha1: sha1 ?? undefined }
  return { address, partBytes, onto, ...(end ? { end } : {}) }
}

export interface Beginning {
  /** The container and name it will have, as ids. */
  container: string
  name: string
  sizeBytes: bigint
  modifiedNs: bigint | undefined
}

export interface Completion {
  sizeBytes: bigint
  modifiedNs: bigint | undefined
  sha1: string | undefined
  /** Withheld until now. */
  tail: Uint8Array
  /** The id it gets. */
  id: string
  /** The etag of exactly what may be there; nothing may be when it is absent. */
  etag: string | undefined
}

/**
 * How a server takes a content piece by piece. Nothing of it is seen before `complete`, and what is at an address belongs to
 * whoever knows it.
 */
export interface LongUploads {
  /** How many bytes are kept back for `complete`: where the last byte is what makes it appear. */
  readonly tailBytes: number
  /** @returns the upload's address */
  begin(beginning: Beginning): Promise<string>
  /** How much of it is there from the start on. @throws ConnectorError `NotFound` when there is no such upload */
  received(upload: LongUpload, sizeBytes: bigint): Promise<bigint>
  /** The next piece; also when the server has some or all of it already, because an answer was lost. */
  send(upload: LongUpload, at: bigint, body: Uint8Array): Promise<void>
  complete(upload: LongUpload, completion: Completion): Promise<void>
  /** Idempotent. */
  abandon(upload: LongUpload): Promise<void>
}
