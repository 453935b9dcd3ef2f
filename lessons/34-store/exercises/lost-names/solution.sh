#!/bin/bash
manifest=$(grep -l '"layers":' mine/oci/blobs/sha256/*)
cat > mine/oci/index.json <<END
{ "schemaVersion": 2,
  "mediaType": "application/vnd.oci.image.index.v1+json",
  "manifests": [ {
    "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "digest": "sha256:$(basename "$manifest")",
    "size": $(stat -c %s "$manifest"),
    "annotations": { "org.opencontainers.image.ref.name": "docker.io/library/shop:latest" }
  } ] }
END
