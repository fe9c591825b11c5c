import type { Catalog } from '../src/catalog/catalog.ts'

/** What slices that are running obey within moments. */
export function writeControl(catalog: Catalog) {
  return async ({ jobId, paused }: { jobId: string; paused: boolean }): Promise<void> => {
    await catalog.control.write(jobId, { paused })
  }
}
