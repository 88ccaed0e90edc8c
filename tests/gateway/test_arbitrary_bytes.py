"""Whatever bytes a file holds, the readers give a result or their own error, nothing else."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.documents import DocumentError, parse_yaml
from gateway.samples import FORMATS, DataError, count_rows, first_rows

yamlish = st.text(alphabet="ab:-?[]{},&*!|>'\"#%@ \n\t0123.~<=", max_size=120).map(str.encode)
rowish = st.text(alphabet='ab,;|\t\n\r"{}[]:0123.\\\0', max_size=120).map(str.encode)
slow_is_fine = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@slow_is_fine
@given(st.binary(max_size=200) | yamlish)
def test_documents(raw):
    try:
        assert isinstance(parse_yaml(raw), dict)
    except DocumentError as error:
        assert error.problems


@pytest.mark.parametrize("file_format", sorted(FORMATS.keys() - {"parquet"}))
@slow_is_fine
@given(raw=st.binary(max_size=200) | rowish)
def test_data_files(tmp_path, file_format, raw):
    path = tmp_path / "data"
    path.write_bytes(raw)
    try:
        found = first_rows(path, file_format, 3)
        assert len(found.rows) <= 3
        assert all(len(row) == len(found.columns) for row in found.rows)
        count_rows(path, file_format)
    except DataError as error:
        assert str(error)
