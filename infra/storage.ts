import { limits } from "../shared/limits.ts";

/** What people send in order to have something made; the pictures that they learn from among it. */
const inputs = ["uploads/", "inputs/", "drafts/"];
/** Rewritten every few seconds while a job runs, so that old versions pile up. */
const ledger = ["jobs/", "open/", "expire/", "dispatch/", "deliveries/", "undelivered/"];
/** Requests and answers of the asynchronous endpoint itself; the results that count are in the store's own keys. */
const engine = ["engine/"];

/** The one bucket. Versions make a deletion undoable for as long as people are told it is, and no longer. */
export function createStorage() {
  const bucket = new sst.aws.Bucket("Store", { versioning: true, cors: false });
  new aws.s3.BucketLifecycleConfiguration("StoreLifecycle", {
    bucket: bucket.name,
    rules: [
      ...inputs.map((prefix) => expire(prefix, limits.keepFinishedDays)),
      ...engine.map((prefix) => expire(prefix, 1)),
      ...ledger.map((prefix) => forgetVersions(prefix, 1)),
      {
        ...forgetVersions("", limits.keepFinishedDays),
        expiration: { expiredObjectDeleteMarker: true },
        abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
      },
    ],
  });
  return { bucket };
}

const forgetVersions = (prefix: string, days: number) => ({
  id: `versions-${prefix.replace("/", "") || "all"}`,
  status: "Enabled",
  filter: { prefix },
  noncurrentVersionExpiration: { noncurrentDays: days },
});

const expire = (prefix: string, days: number) => ({
  id: `expire-${prefix.replace("/", "")}`,
  status: "Enabled",
  filter: { prefix },
  expiration: { days },
  noncurrentVersionExpiration: { noncurrentDays: 1 },
});
