type Json = Record<string, unknown>

export interface Side {
  platform?: string
  /** Keys of `auth`; `root` among them. */
  auth: Json
  path?: string
}

/** A copy as a wire document, with these keys of `transfer`, both connections inline. */
export function aJob(transfer: Json, { source, destination }: { source: Side; destination: Side }): Json {
  return {
    name: 'a job',
    kind: 'transfer',
    transfer: {
      transfer_type: 'copy',
      source: endpoint(source),
      destination: endpoint(destination),
      ...transfer,
    },
    schedule: { mode: 'manual' },
  }
}

function endpoint({ platform = 'fs', auth, path = '/' }: Side): Json {
  return { connection: { platform: { id: platform }, auth }, target: { path } }
}
