"""Stage resize: decode every image of the splits once, at the size that training needs. Run by `dvc repro resize`."""

from curation import tables
from curation.project import Project
from curation.project.stage_main import stage_main


@stage_main
def main() -> None:
    from curation.images.store.pixel_store import expected_bytes, plan, write_store

    project = Project.find()
    params, out = project.params(), project.pixels
    splits = project.table(tables.SPLITS, ["image_id", "turn"])
    images = project.table(tables.IMAGES, ["image_id", "path"])
    wanted = splits.merge(images, on="image_id", how="inner", validate="one_to_one")
    wanted.attrs |= {"background": params.ingest.background, "max_megapixels": params.ingest.max_megapixels}
    layout = plan(len(wanted), params.image_size, params.resize)
    size = expected_bytes(layout.kind, len(wanted), layout.size) / 2**20
    print(
        f"{len(wanted):,} images at {layout.size} px as {layout.kind}: about {size:,.0f} MiB in {layout.shards} shards"
    )
    report = write_store(wanted, out, project.cache("pixels"), params.image_size, params.resize)
    size = report.bytes / 2**20
    told = f"{report.images:,} images, {size:,.1f} MiB; {report.decoded:,} decoded, the rest from the cache"
    print(f"{project.relative(out)}: {told}")


if __name__ == "__main__":
    main()
