import type { Catalog } from '../src/catalog/catalog.ts'

/** What slices that are running obey within moments. */
export function writeControl(catalog: Catalog) {
  return ({ jobId, ...control }: { jobId: string; paused: boolean; cancelled?: number }): Promise<void> =>
    catalog.control.write(jobId, control)
}
