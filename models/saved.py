"""A fitted forecaster on disk: booster text or skops, JSON and Parquet, no pickles."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.catalogue import NAMES
from features.channels.own_features import own_features
from features.data.active_flows import ActiveFlows
from features.data.flows import FlowIndex
from features.data.indicators import IndicatorSpec
from features.data.reports import REPORTERS
from features.errors import InputError
from features.feature import Feature
from features.files.tables import sha256
from features.information import InformationSet
from models.flow_traits import FlowTraits
from models.forecaster import FittedForecaster, FittedNowcast
from models.intervals import Intervals
from models.known_totals import Totals
from models.learner_text import LIGHTGBM
from models.reversion import Reversion
from models.saved_learner import LEARNER_FILE, read_learner, write_learner
from models.shift import ShiftChoice, ShiftModel
from models.trade_probability import TradeProbability

if TYPE_CHECKING:
    import lightgbm

FORMAT = 6
_CELL = "cell"
"""Column with the number of each flow among all of them, where the flows are not all."""
_NOWCAST = "nowcast:"
_VOLATILITY, _MAIN = "interval:volatility", "interval:main"
_NAMED = 3
"""Features named where two catalogues differ."""
_EXTRA = ("name", "channel", "unit", "series", "sign", "source")
"""What is kept of a feature that a user wrote."""
_META, _STATE, _SHIFT, _PROBABILITY = (
    "forecaster.json",
    "state.parquet",
    "shift.txt",
    "probability.txt",
)


def save_forecaster(forecaster: FittedForecaster, folder: Path) -> None:
    """Write a forecaster into an existing, empty folder."""
    if forecaster.shift.booster_ is not None:
        _write_booster(forecaster.shift.booster_, folder / _SHIFT)
    if forecaster.probability.booster_ is not None:
        _write_booster(forecaster.probability.booster_, folder / _PROBABILITY)
    state = pd.DataFrame(forecaster.features, columns=_columns(forecaster.added))
    state["value_origin"] = forecaster.value
    nowcast = forecaster.nowcast
    if nowcast is not None:
        state = state.assign(**{f"{_NOWCAST}{name}": v for name, v in _per_flow(nowcast).items()})
    if (traits := forecaster.traits) is not None:
        state = state.assign(**{_VOLATILITY: traits.volatility, _MAIN: traits.main})
    if isinstance(forecaster.flows, ActiveFlows):
        state[_CELL] = forecaster.flows.cells
    state.to_parquet(folder / _STATE, compression="zstd", index=False)
    (folder / _META).write_text(json.dumps(_meta(forecaster, folder)), encoding="utf-8")


def _meta(forecaster: FittedForecaster, folder: Path) -> dict[str, Any]:
    """All but the tables and boosters; writes a learner that is no booster into the folder."""
    learner, reversion = forecaster.shift.learner_, forecaster.shift.reversion_
    nowcast = forecaster.nowcast
    meta: dict[str, Any] = {
        "format": FORMAT,
        "countries": list(forecaster.flows.countries),
        "sectors": list(forecaster.flows.sectors),
        "diagonal": forecaster.flows.diagonal,
        "origin": forecaster.origin,
        "as_of": forecaster.as_of,
        "shift": {
            "names": list(forecaster.shift.names),
            "choice": asdict(forecaster.shift.choice),
            "rounds": forecaster.shift.rounds,
            "seed": forecaster.shift.seed,
            "reversion": reversion and _lists(asdict(reversion)),
            **({} if learner is None else {"learner": write_learner(learner, folder)}),
        },
        "probability": {
            "names": list(forecaster.probability.names),
            "constant": forecaster.probability.constant_,
            "calibration": forecaster.probability.calibration_,
        },
        "totals": {str(h): _totals_meta(t) for h, t in forecaster.totals.items()},
        "intervals": {str(h): _lists(asdict(i)) for h, i in forecaster.intervals.items()},
        "sha256": {
            name: sha256(folder / name)
            for name in (_STATE, _SHIFT, _PROBABILITY, LEARNER_FILE)
            if (folder / name).is_file()
        },
    }
    if forecaster.before_monthly:
        before = forecaster.before_monthly.items()
        meta["before_monthly"] = {str(h): _totals_meta(totals) for h, totals in before}
    if nowcast is not None:
        meta["nowcast_intervals"] = [_lists(asdict(i)) for i in nowcast.intervals]
    if forecaster.own:
        meta["own"] = [asdict(spec) for spec in forecaster.own]
    if forecaster.extra:
        meta["extra"] = [{name: getattr(one, name) for name in _EXTRA} for one in forecaster.extra]
    return meta


def load_forecaster(folder: Path, *, trusted: str | None = None) -> FittedForecaster:
    """Read what `save_forecaster` wrote.

    Parameters
    ----------
    folder
        Of the forecaster.
    trusted
        The learner as the run named it, where its class is neither scikit-learn's nor of XGBoost,
        CatBoost or LightGBM: reading it runs code that only you can vouch for.

    Raises
    ------
    InputError
        If the folder was written by another version of the format or of the feature catalogue, or
        a file is not the one that was written. A learner that is neither known nor ``trusted``
        raises it where it is asked for a forecast.
    OSError
        If a file is missing.
    """
    folder = Path(folder)
    meta = json.loads((folder / _META).read_text(encoding="utf-8"))
    _check_files(folder, meta.get("sha256", {}))
    state = pd.read_parquet(folder / _STATE)
    own = tuple(IndicatorSpec(**spec) for spec in meta.get("own", ()))
    extra = tuple(_extra(one) for one in meta.get("extra", ()))
    columns = _columns((*own_features(own), *extra))
    beside = ("value_origin", _CELL, _NOWCAST, _VOLATILITY, _MAIN)
    present = [name for name in state if not str(name).startswith(beside)]
    differs = _difference(meta["format"], present, columns)
    if differs:
        raise InputError(
            f"the model was saved by another version of gravicast: {differs}",
            remedy="Train it again with `gravicast run`",
            file=folder,
        )
    shift = _shift(meta["shift"], folder, own=tuple(columns[len(NAMES) :]), trusted=trusted)
    constant = meta["probability"]["constant"]
    booster = _booster(folder / _PROBABILITY) if constant is None else None
    return FittedForecaster(
        flows=_flows(meta, state),
        origin=meta["origin"],
        as_of=meta["as_of"],
        value=state["value_origin"].to_numpy(dtype=np.float64),
        features=np.ascontiguousarray(state[columns].to_numpy(dtype=np.float32)),
        totals={int(h): _totals(t) for h, t in meta["totals"].items()},
        before_monthly={int(h): _totals(t) for h, t in meta.get("before_monthly", {}).items()},
        intervals={int(h): Intervals(**_arrays(i)) for h, i in meta["intervals"].items()},
        shift=shift,
        probability=TradeProbability(
            names=tuple(meta["probability"]["names"]),
            booster_=booster,
            constant_=constant,
            calibration_=tuple(tuple(terms) for terms in meta["probability"]["calibration"]),
        ),
        own=own,
        extra=extra,
        nowcast=_nowcast(state, meta["nowcast_intervals"]) if "nowcast_intervals" in meta else None,
        traits=_traits(state),
    )


def _shift(
    meta: dict[str, Any], folder: Path, *, own: tuple[str, ...], trusted: str | None
) -> ShiftModel:
    """The fitted shift model."""
    learner = meta.get("learner")
    shift = ShiftModel(
        tuple(meta["names"]),
        ShiftChoice(**meta["choice"]),
        meta["rounds"],
        meta["seed"],
        own=own,
        learner=LIGHTGBM if learner is None else learner["text"],
    )
    shift.booster_ = shift.learner_ = None
    if learner is None:
        shift.booster_ = _booster(folder / _SHIFT)
    else:
        shift.learner_ = read_learner(learner, folder, own=own, trusted=trusted)
    shift.reversion_ = _reversion(meta["reversion"])
    return shift


def _traits(state: pd.DataFrame) -> FlowTraits | None:
    if _VOLATILITY not in state:
        return None
    return FlowTraits(state[_VOLATILITY].to_numpy(), state[_MAIN].to_numpy())


def _per_flow(nowcast: FittedNowcast) -> dict[str, NDArray[Any]]:
    """Columns of a nowcast by name, shape ``[flow]``."""
    return {
        "value": nowcast.value,
        "chance": nowcast.chance,
        "reported": nowcast.reported,
        **{side: nowcast.levels[side] for side in REPORTERS},
    }


def _nowcast(state: pd.DataFrame, intervals: list[dict[str, Any]]) -> FittedNowcast:
    columns = {
        str(name).removeprefix(_NOWCAST): state[name].to_numpy()
        for name in state
        if str(name).startswith(_NOWCAST)
    }
    return FittedNowcast(
        value=columns["value"],
        chance=columns["chance"],
        reported=columns["reported"],
        levels={side: columns[side] for side in REPORTERS},
        intervals=tuple(Intervals(**_arrays(one)) for one in intervals),
    )


def _flows(meta: dict[str, Any], state: pd.DataFrame) -> FlowIndex:
    keys = tuple(meta["countries"]), tuple(meta["sectors"]), meta["diagonal"]
    if _CELL not in state:
        return FlowIndex(*keys)
    cells = state[_CELL].to_numpy(dtype=np.int32)
    return ActiveFlows(*keys, cells=cells, counts=np.array([cells.size]))


def _write_booster(booster: lightgbm.Booster, file: Path) -> None:
    # Not LightGBM's save_model: on a full disk it leaves half a file without an error.
    file.write_bytes(booster.model_to_string().encode())


def _check_files(folder: Path, wrote: dict[str, str]) -> None:
    """Refuse a file that is not the one that was written: LightGBM would kill the process."""
    for name, digest in wrote.items():
        if sha256(folder / name) != digest:
            raise InputError(
                "the file was altered or damaged since the model was saved",
                remedy="Train it again with `gravicast run`, or take a good copy",
                file=folder / name,
            )


def _booster(file: Path) -> lightgbm.Booster:
    import lightgbm

    # Not LightGBM's own reader: it writes a fatal error to stderr if the file is missing.
    return lightgbm.Booster(model_str=file.read_text(encoding="utf-8"))


def _columns(added: Sequence[Feature]) -> list[str]:
    """Features in the order of a forecaster's columns."""
    return [*NAMES, *(feature.name for feature in added)]


def _extra(meta: dict[str, Any]) -> Feature:
    """A feature that a user wrote, without its code: that is not part of a model."""

    def refuse(_: InformationSet) -> NoReturn:
        raise InputError(
            f"the model was trained with the feature {meta['name']!r}, which is code of your own",
            remedy="Name the module that holds it with --features",
        )

    return Feature(**{**meta, "series": tuple(meta["series"])}, build=refuse)


def _difference(written: int, names: list[str], known: list[str]) -> str:
    """How a saved forecaster differs from this version; empty if it does not."""
    if written != FORMAT:
        return f"its format is {written}, this one reads {FORMAT}"
    if names == known:
        return ""
    gone = [name for name in names if name not in known]
    new = [name for name in known if name not in names]
    words = [
        f"{verb} {', '.join(some[:_NAMED])}" + (f" and {more} more" if more > 0 else "")
        for verb, some in (("its catalogue has", gone), ("its catalogue lacks", new))
        if some
        for more in (len(some) - _NAMED,)
    ]
    return " and ".join(words) or "its catalogue has the same features in another order"


def _reversion(meta: dict[str, Any] | None) -> Reversion | None:
    if meta is None:
        return None
    arrays = _arrays({name: meta[name] for name in ("edges", "slopes", "means")})
    return Reversion(
        names=tuple(meta["names"]), horizon=meta["horizon"], average=meta["average"], **arrays
    )


def _totals_meta(totals: Totals) -> dict[str, Any]:
    meta: dict[str, Any] = _lists({"exporter": totals.exporter, "importer": totals.importer})
    if totals.channels:
        meta["channels"] = list(totals.channels)
        meta["coalitions"] = [_totals_meta(one) for one in totals.coalitions.values()]
    return meta


def _totals(meta: dict[str, Any]) -> Totals:
    sides = _arrays({name: meta[name] for name in ("exporter", "importer")})
    coalitions = [_totals(one) for one in meta.get("coalitions", ())]
    return Totals(
        **sides,
        channels=tuple(meta.get("channels", ())),
        coalitions={one.channels: one for one in coalitions},
    )


def _lists(values: dict[str, Any]) -> dict[str, Any]:
    # JSON writes a float64 as its shortest exact decimal, so nothing is lost on the way back.
    return {name: np.asarray(value).tolist() for name, value in values.items()}


def _arrays(values: dict[str, Any]) -> dict[str, Any]:
    return {name: np.asarray(value, dtype=np.float64) for name, value in values.items()}
