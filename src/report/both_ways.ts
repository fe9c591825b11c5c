import type { StoredJob } from '../catalog/catalog.ts'

/** Whether a job writes to both sides, so that a count of it is of both. */
export function goesBothWays({ document }: Partial<Pick<StoredJob, 'document'>>): boolean {
  const transfer = document?.['transfer'] as { transfer_type?: unknown } | undefined
  return transfer !== undefined && ['sync', 'default'].includes(String(transfer.transfer_type ?? 'sync'))
}

/** A sentence about what goes to the destination, said of what goes either way. */
export function eitherWay(sentence: string): string {
  return sentence
    .replace(/\bat the source\b/g, 'on one side')
    .replace(/\bat the destination\b/g, 'on the other side')
    .replace(/\b(t)he source\b/gi, (_, t: string) => (t === 't' ? 'one side' : 'One side'))
    .replace(/\b(t)he destination\b/gi, '$1he other side')
}
