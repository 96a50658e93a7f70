"""Stage resize: decode every image of the splits once, at the size that training needs. Run by `dvc repro resize`."""

from pathlib import Path

from curation import params, tables
from curation.project.stage_main import stage_main

OUT = Path("data/pixels")
CACHE = Path(".cache/curation/pixels")


@stage_main
def main() -> None:
    from curation.images.store.pixel_store import expected_bytes, plan, write_store

    knobs = params.load()
    splits = tables.stored(tables.SPLITS, ["image_id", "turn"])
    images = tables.stored(tables.IMAGES, ["image_id", "path"])
    wanted = splits.merge(images, on="image_id", how="inner", validate="one_to_one")
    wanted.attrs["background"] = knobs.ingest.background
    layout = plan(len(wanted), knobs.image_size, knobs.resize)
    size = expected_bytes(layout.kind, len(wanted), layout.size) / 2**20
    print(
        f"{len(wanted):,} images at {layout.size} px as {layout.kind}: about {size:,.0f} MiB in {layout.shards} shards"
    )
    report = write_store(wanted, OUT, CACHE, knobs.image_size, knobs.resize)
    size = report.bytes / 2**20
    print(f"{OUT}: {report.images:,} images, {size:,.1f} MiB; {report.decoded:,} decoded, the rest from the cache")


if __name__ == "__main__":
    main()
