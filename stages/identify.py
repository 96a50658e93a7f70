"""Stage identify: what each unlabelled or unknown image probably is, by the candidate. Run by `dvc repro identify`."""

from pathlib import Path

from curation import params, tables
from curation.errors import fail_cleanly

DATA = Path("data")


@fail_cleanly
def main() -> None:
    from curation.pool.identify_pool import Known, identify_pool
    from curation.predict.model_lookup import CANDIDATE, open_model

    found = identify_pool(Known.read(DATA), open_model(CANDIDATE), params.load())
    tables.write(found, DATA / "identified.parquet", tables.IDENTIFIED)
    print(f"{len(found):,} images that nobody named; {(found.confidence >= 0.9).sum():,} of them are now sure at 0.9")


if __name__ == "__main__":
    main()
